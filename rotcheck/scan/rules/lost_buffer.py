"""Tables that stay behind when a model moves,
or that nothing fills after a model was made on meta."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import FREQUENCIES
from rotcheck.scan.syntax import attribute, method
from rotcheck.scan.torch_modules import (
    Buffer,
    assignments,
    buffers,
    builds,
    family,
    is_module,
    methods,
    runs_later,
    uses,
)
from rotcheck.scan.value_origins import origins

CODE = "lost-buffer"
TITLE = "A table that does not move with its model, or stays empty after meta"
WORDS = ("inv_freq", "freqs", "cos", "rope_cache", "rotary_table")

TABLE = re.compile(r"(^|_)(cos|sin|cos_sin|cos_cached|sin_cached|rope_cache|rotary_table)(_|$)")
RESTORES = re.compile(
    r"^(_?init_weights|rope_init|_init\w*|init_rope|init_buffers|_?reset\w*|post_\w+|setup\w*|initialize\w*)$"
)
ELSEWHERE = re.compile(r"\.(to|cuda|type_as|npu|xpu|get_device)\(|\.device\b|\bdevice=")
PRETRAINED_MODEL = re.compile(r"^(transformers|\.\.+)(\.\w+)*\.PreTrainedModel$")
NO_TENSORS = ("device", "dtype", "compile")  # what else torch's functions give
EXPORTS = ("tolist", "numpy", "item")
DEFAULT_SETTERS = ("set_default_device", "set_default_tensor_type")


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield the plain tensors of modules that stay behind,
    and the buffers that nothing fills after meta."""
    for owner in module.nodes(ast.ClassDef):
        moves_itself = any("_apply" in methods(part) for part in family(module, owner))
        if is_module(module, owner) and not moves_itself:
            yield from _plain(module, owner, project)
            yield from _empty(module, owner, project)


def _is_table(name: str) -> bool:
    return bool(TABLE.search(name) or FREQUENCIES.search(name))


def _plain(module: Module, owner: ast.ClassDef, project: Project) -> Iterator[Hazard]:
    buffer_names = {buffer.name for buffer in buffers(module, owner)}
    values = list(assignments(module, owner))
    counts = Counter(name for name, _, _ in values)
    for name, value, node in values:
        if not _is_table(name) or name in buffer_names or counts[name] > 1:
            continue
        function = module.function(node)
        if function is None or not builds(module, function) or not _is_tensor(module, value):
            continue
        if ELSEWHERE.search(ast.unparse(function)):
            continue
        if _is_used_as_it_is(module, owner, name) and not _is_moved(project, name):
            message = (
                f"`self.{name}` is a tensor, not a buffer: `model.to(device)` leaves it on the CPU, and the forward "
                "pass raises that its tensors are on two devices"
            )
            change = f"`self.register_buffer('{name}', ..., persistent=False)`"
            devices = "cuda, mps, xpu and others"
            yield module.hazard(CODE, node, message, change, devices=devices, failure="N14")


def _is_tensor(module: Module, value: ast.AST, depth: int = 6) -> bool:
    """Whether a value is a tensor that arithmetic makes from `torch.arange` and its like,
    in the same function."""
    match value:
        case ast.BinOp(left=left, right=right):
            return _is_tensor(module, left, depth) or _is_tensor(module, right, depth)
        case ast.Subscript(value=inner) | ast.UnaryOp(operand=inner):
            return _is_tensor(module, inner, depth)
        case ast.Name() if depth:
            values = origins(module, value)
            return bool(values) and all(_is_tensor(module, part, depth - 1) for part in values)
        case ast.Call(func=function):
            front, _, last = module.name(function).rpartition(".")
            if front == "torch":
                return last.islower() and last not in NO_TENSORS
            is_method = isinstance(function, ast.Attribute) and function.attr not in EXPORTS
            return is_method and _is_tensor(module, function.value, depth)  # type: ignore[attr-defined]
    return False


def _is_used_as_it_is(module: Module, owner: ast.ClassDef, name: str) -> bool:
    """Whether methods that do not build the object read the table,
    and none moves it or asks for its device."""
    later = [use for use in uses(module, owner, name) if runs_later(module, use)]
    return bool(later) and not any(_leaves(module, use) for use in later)


def _leaves(module: Module, use: ast.AST) -> bool:
    """Whether a statement moves what it reads, or hands it on to what may."""
    if ELSEWHERE.search(ast.unparse(module.statement(use) or use)):
        return True
    above = module.parent(use)
    while isinstance(above, ast.Subscript | ast.Attribute):
        use, above = above, module.parent(above)
    if isinstance(above, ast.Call) and use is not above.func:
        return not module.name(above.func).startswith("torch.")
    return isinstance(above, ast.Return)


def _is_moved(project: Project, name: str) -> bool:
    """Whether the project sets a default device, or moves an attribute of that name,
    from anywhere."""
    if next(project.modules(*DEFAULT_SETTERS), None) is not None:
        return True
    moves = re.compile(
        rf"\.{re.escape(name)}(\.(data|to|cuda)\b|\s*=\s*[\w.]+\.{re.escape(name)}\b)".encode()
    )
    return any(moves.search(text) for _, text in project.texts(name))


def _empty(module: Module, owner: ast.ClassDef, project: Project) -> Iterator[Hazard]:
    for buffer in buffers(module, owner):
        if buffer.persists or not _is_table(buffer.name) or module.owner(buffer.node) is not owner:
            continue
        event, change, devices = _emptying(module, owner, buffer, project)
        if event and not _is_restored(module, owner, buffer, project):
            message = (
                f"the buffer `{buffer.name}` is in no checkpoint (`persistent=False`) and only `__init__` computes "
                f"it: after {event} it holds whatever the memory held"
            )
            yield module.hazard(CODE, buffer.node, message, change, devices=devices)


def _emptying(
    module: Module, owner: ast.ClassDef, buffer: Buffer, project: Project
) -> tuple[str, str, str]:
    """What leaves a buffer without values, the change, and the devices;
    empty where nothing in the file does."""
    if place := _to_empty(module):
        change = f"Compute `{buffer.name}` again after `to_empty`, in a method such as `reset_parameters`."
        return f"`to_empty` ({place})", change, "all, from meta"
    model = _pretrained_base(module, owner)
    if model and not _is_renewed(module, owner, buffer.name) and not _is_embedded(module, project):
        where = f"`{model}._init_weights`"
        change = f"Compute `{buffer.name}` in {where} too, or keep it in the checkpoint."
        event = f"`{model}.from_pretrained` of transformers 5, which makes the model on meta,"
        return event, change, "all, from a checkpoint"
    return "", "", ""


def _pretrained_base(module: Module, owner: ast.ClassDef) -> str:
    """The class of the same file that transformers loads and that holds the owner's objects,
    if there is one."""
    names = (node for node in module.nodes(ast.Name) if node.id == owner.name)
    is_used = any(isinstance(name.ctx, ast.Load) for name in names)
    # transformers fills it again where that is kept
    if not is_used or "original_inv_freq" in ast.unparse(owner):
        return ""
    return next((part.name for part in _classes(module) if _is_pretrained(module, part)), "")


def _classes(module: Module) -> list[ast.ClassDef]:
    return [part for part in module.tree.body if isinstance(part, ast.ClassDef)]


def _is_pretrained(module: Module, owner: ast.ClassDef) -> bool:
    return any(PRETRAINED_MODEL.search(module.name(base)) for base in owner.bases)


def _is_embedded(module: Module, project: Project) -> bool:
    """Whether another file makes one of the file's models by its constructor,
    as a server does that loads by itself."""
    models = [
        part.name
        for part in _classes(module)
        if any(_is_pretrained(module, above) for above in family(module, part))
    ]
    # not in a docstring
    call = re.compile(rf"(?m)^(?!\s*(>>>|#)).*\b({'|'.join(models)})\(".encode())
    texts = (text for file, text in project.texts(call) if file.name != module.file)
    # what saves it makes a checkpoint to load
    return any(b"save_pretrained" not in text for text in texts)


def _is_renewed(module: Module, owner: ast.ClassDef, name: str) -> bool:
    """Whether a method that runs after the object is built gives it the table anew."""
    nodes: list[ast.AST] = [
        node for attribute_, _, node in assignments(module, owner) if attribute_ == name
    ]
    nodes += [buffer.node for buffer in buffers(module, owner) if buffer.name == name]
    return any(runs_later(module, node) for node in nodes)


def _to_empty(module: Module) -> str:
    """Where the same file gives memory to a model that was made on meta."""
    calls = (call for call in module.nodes(ast.Call) if method(call) == "to_empty")
    return next((f"line {call.lineno}" for call in calls), "")


def _is_restored(module: Module, owner: ast.ClassDef, buffer: Buffer, project: Project) -> bool:
    names = {name for part in family(module, owner) for name in methods(part)} - {"__init__"}
    if any(RESTORES.match(name) for name in names):
        return True
    return buffer.name in project.collect(_given_elsewhere, *WORDS)


def _given_elsewhere(module: Module) -> Iterator[str]:
    """Yield the tables that a file names where it initialises weights,
    or gives to objects other than `self`."""
    for node in module.nodes(ast.Attribute):
        function = module.function(node)
        is_given = isinstance(node.ctx, ast.Store) and not attribute(node)
        if _is_table(node.attr) and (is_given or (function and RESTORES.match(function.name))):
            yield node.attr
