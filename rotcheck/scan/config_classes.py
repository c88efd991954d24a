"""Whose config is this? One of transformers, one that the project derives from it,
or one of the project's own."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.syntax import Assignment, Function, attribute, packages, targets

BASES = {"PretrainedConfig", "PreTrainedConfig"}
NAMES = {"config", "hf_config", "text_config", "hf_text_config", "llm_config", "model_config"}
KEEP_THETA = {
    "BailingHybridConfig", "Cohere2MoeConfig", "DINOv3ViTConfig", "DeepseekV4Config", "EsmConfig", "Sapiens2Config",
}  # fmt: skip
"""The classes of transformers 5 that still have an attribute `rope_theta`."""
CLASS = re.compile(rb"class \w*(Config|Args|Configuration)\s*[(:]")
LOADERS = {"from_pretrained", "from_dict", "from_json_file"}


@dataclass(frozen=True, slots=True)
class Config:
    """The class of a config, as far as the source tells it."""

    name: str  # empty: some class of transformers
    fields: frozenset[str]  # that the project's class sets; "*": and whatever a checkpoint holds

    def has(self, field: str) -> bool:
        """Whether an object of the class can have a field that transformers moved."""
        return bool({field, "*"} & self.fields)


@dataclass(frozen=True, slots=True)
class Definition:
    """A class of the project whose name ends in Config."""

    name: str
    bases: tuple[str, ...]
    fields: frozenset[str]


def definitions(module: Module) -> Iterator[Definition]:
    """Yield the config classes of a module, with the fields that each sets."""
    for node in module.nodes(ast.ClassDef):
        if node.name.endswith(("Config", "Args", "Configuration")):
            yield Definition(
                node.name, tuple(map(module.name, node.bases)), frozenset(_fields(module, node))
            )


def config(module: Module, node: ast.expr, project: Project) -> Config | None:
    """The config that an expression is, where it is one of transformers or derived from one;
    else None."""
    annotation = _annotation(module, node)
    if annotation:
        return _of_class(annotation, project)
    return _of_project(module, node, project)


def _fields(module: Module, node: ast.ClassDef) -> Iterator[str]:
    for inner in module.within(node, ast.Attribute):
        if isinstance(inner.ctx, ast.Store) and attribute(inner):
            yield inner.attr
    for statement in node.body:
        if isinstance(statement, Assignment):
            names = (target for target in targets(statement) if isinstance(target, ast.Name))
            yield from (name.id for name in names)
        elif isinstance(statement, ast.FunctionDef):
            yield statement.name  # a property


def _annotation(module: Module, node: ast.expr) -> str:
    """The dotted name of a config's class: of an argument's annotation, or of whoever made it."""
    if isinstance(node, ast.Attribute) and attribute(node):
        return _of_field(module, node)
    if not isinstance(node, ast.Name):
        return ""
    for function in (above for above in module.ancestors(node) if isinstance(above, Function)):
        for argument in module.within(function.args, ast.arg):
            if argument.arg == node.id:
                return _class_name(module, argument.annotation)
        for assignment in module.within(function, ast.Assign):
            names = (target.id for target in assignment.targets if isinstance(target, ast.Name))
            if node.id in names:
                return _maker(module, assignment.value)
    return ""


def _of_field(module: Module, node: ast.Attribute) -> str:
    """The class of `self.config`: of what the class sets it to."""
    owner = module.owner(node)
    for assignment in module.within(owner, ast.Assign) if owner else []:
        fields = (target.attr for target in assignment.targets if isinstance(target, ast.Attribute))
        if node.attr not in fields:
            continue
        if isinstance(assignment.value, ast.Name):
            return _annotation(module, assignment.value)
        if name := _maker(module, assignment.value):
            return name
    for statement in owner.body if owner else []:
        if isinstance(statement, ast.AnnAssign) and module.name(statement.target) == node.attr:
            return _class_name(module, statement.annotation)
    return ""


def _class_name(module: Module, annotation: ast.expr | None) -> str:
    """The name in an annotation: of `X`, `"X"`, `Optional[X]` and `X | None`."""
    match annotation:
        case ast.Constant(value=str(name)):
            return name
        case ast.Subscript(slice=inner) | ast.BinOp(left=inner):
            return _class_name(module, inner)
    return module.name(annotation)


def _maker(module: Module, value: ast.expr) -> str:
    """The class that a call makes: `LlamaConfig(...)`, `AutoConfig.from_pretrained(...)`."""
    if not isinstance(value, ast.Call):
        return ""
    front, _, last = module.name(value.func).rpartition(".")
    name = front if last in LOADERS else f"{front}.{last}"
    return name if name.endswith("Config") else ""


def _of_class(name_in_full: str, project: Project) -> Config | None:
    name = name_in_full.rpartition(".")[2]
    if name in BASES:
        return None  # of any model, the class of a remote one included, which may keep its fields
    if name_in_full.startswith("transformers."):
        return Config("" if name == "AutoConfig" else name, frozenset())
    return _of_definition(name, project, 0)


def _of_definition(name: str, project: Project, depth: int) -> Config | None:
    """The project's class of that name where it derives from one of transformers,
    with all its fields."""
    matches = [part for part in project.collect(definitions, CLASS) if part.name == name]
    if len(matches) != 1 or depth > 5:
        return None
    fields = matches[0].fields
    for base in matches[0].bases:
        last = base.rpartition(".")[2]
        if last in BASES:
            return Config(name, fields | {"*"})
        if base.startswith("transformers."):
            return Config(name, fields)
        if above := _of_definition(last, project, depth + 1):
            return Config(name, fields | above.fields)
    return None


def _of_project(module: Module, node: ast.expr, project: Project) -> Config | None:
    """A config without an annotation: in a project without its own,
    or of a file that uses transformers."""
    if module.name(node).rpartition(".")[2] not in NAMES:
        return None
    classes = list(project.collect(definitions, CLASS))
    names = (name for node in module.nodes(ast.stmt) for name in packages(node))
    uses = any(name.partition(".")[0] == "transformers" for name in names)
    custom = any("rope_theta" in class_.fields for class_ in classes)
    return None if custom or (classes and not uses) else Config("", frozenset())
