"""`rope_theta` read from where transformers 5 no longer keeps it."""

import ast
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan import config_classes
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.syntax import is_constant

CODE = "rope-theta"
TITLE = "rope_theta is read from where transformers 5 no longer keeps it"
WORDS = ("rope_theta",)
# words of code that knows the new place
NEW_SPELLINGS = ("rope_parameters", "standardize_rope", "get_rope_theta")
DEVICES = "all, with transformers 5"
TESTS_TOO = True


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each read of an attribute `rope_theta` of a config
    of transformers that is not there."""
    for call in module.calls("getattr"):
        if len(call.args) == 3 and is_constant(call.args[1], "rope_theta"):
            owner, _, default = call.args
            config = _without_theta(module, call, owner, project)
            if config and not is_constant(default, None):
                effect = f"this silently gives {module.text(default)} for every checkpoint"
                yield _hazard(module, call, owner, config, effect, None)
    for node in module.nodes(ast.Attribute):
        if node.attr == "rope_theta" and isinstance(node.ctx, ast.Load):
            config = _without_theta(module, node, node.value, project)
            if config and config.name:
                effect = "this raises AttributeError"
                yield _hazard(module, node, node.value, config, effect, "H22")


def _without_theta(
    module: Module, node: ast.expr, owner: ast.expr, project: Project
) -> config_classes.Config | None:
    """The config, where it has no such attribute and
    the code around does not look in the new place."""
    config = config_classes.config(module, owner, project)
    if config is None or config.has("rope_theta") or config.name in config_classes.KEEP_THETA:
        return None
    around = module.function(node) or module.owner(node) or module.statement(node)
    text = ast.unparse(around) if around else ""
    guards = " ".join(map(module.text, module.guards(node)))
    knows = any(word in text for word in NEW_SPELLINGS)
    return None if knows or "hasattr" in guards or "version" in guards else config


def _hazard(
    module: Module,
    node: ast.expr,
    owner: ast.expr,
    config: config_classes.Config,
    effect: str,
    failure: str | None,
) -> Hazard:
    text = module.text(owner)
    name = config.name or text
    message = f"transformers 5 keeps theta in `rope_parameters`, and `{name}` has no `rope_theta`: {effect}"
    change = (
        f'Read `{text}.rope_parameters["rope_theta"]`, which holds the value of the checkpoint; under transformers 4, '
        f"where there is no `rope_parameters`, `{text}.rope_theta`. Give no default: raise."
    )
    return module.hazard(CODE, node, message, change, devices=DEVICES, failure=failure)
