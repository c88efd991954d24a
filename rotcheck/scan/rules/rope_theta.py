"""`rope_theta` read from where transformers 5 no longer keeps it."""

import ast
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan import configs
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project

CODE = "rope-theta"
TITLE = "rope_theta is read from where transformers 5 no longer keeps it"
WORDS = ("rope_theta",)
HANDLED = ("rope_parameters", "standardize_rope", "get_rope_theta")  # words of code that knows the new place
DEVICES = "all, with transformers 5"


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each read of an attribute `rope_theta` of a config of transformers that is not there."""
    for call in module.calls("getattr"):
        if len(call.args) == 3 and _is_theta(call.args[1]) and _is_lost(module, call, call.args[0], project):
            default = module.text(call.args[2])
            yield _hazard(module, call, call.args[0], f"this silently gives {default} for every checkpoint", project)
    for node in module.nodes(ast.Attribute):
        if node.attr == "rope_theta" and isinstance(node.ctx, ast.Load) and _is_lost(module, node, node.value, project):
            if _config_name(module, node.value, project):
                yield _hazard(module, node, node.value, "this raises AttributeError", project)


def _is_theta(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "rope_theta"


def _is_lost(module: Module, node: ast.expr, owner: ast.expr, project: Project) -> bool:
    """Return whether the config has no such attribute, and the code around does not look in the new place."""
    config = configs.config(module, owner, project)
    if config is None or "rope_theta" in config.fields or config.name in configs.KEEP_THETA:
        return False
    around = module.function(node) or module.owner(node) or module.statement(node)
    text = ast.unparse(around) if around else ""
    tests = any("hasattr" in module.text(test) or "version" in module.text(test) for test in module.guards(node))
    optional = isinstance(node, ast.Call) and isinstance(node.args[2], ast.Constant) and node.args[2].value is None
    return not any(word in text for word in HANDLED) and not tests and not optional


def _config_name(module: Module, owner: ast.expr, project: Project) -> str:
    config = configs.config(module, owner, project)
    return config.name if config else ""


def _hazard(module: Module, node: ast.expr, owner: ast.expr, effect: str, project: Project) -> Hazard:
    name, text = _config_name(module, owner, project), module.text(owner)
    whose = f"`{name}`" if name else f"`{text}`"
    return module.hazard(
        CODE,
        node,
        f"transformers 5 keeps theta in `rope_parameters`, and {whose} has no `rope_theta`: {effect}",
        f'Read `{text}.rope_parameters["rope_theta"]`, in which every checkpoint\'s value stands; with transformers 4 '
        f"as well: `(getattr({text}, \"rope_parameters\", None) or {{\"rope_theta\": {text}.rope_theta}})[\"rope_theta\"]`.",
        devices=DEVICES,
    )
