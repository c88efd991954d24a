"""float64 on the model's device: MPS has none, and raises."""

import ast
import re
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import is_rotary
from rotcheck.scan.syntax import Function, method, parameters
from rotcheck.scan.value_origins import DOUBLE, MAKERS, cast_of, origins

CODE = "float64-on-device"
TITLE = "float64 on a device that may have none"
WORDS = ("float64", "double")

# names of a test that chooses by device or dtype
GUARD = re.compile(r"mps|npu|xpu|float64|double", re.I)
SINUSOIDS = re.compile(r"sinusoid|sincos|pos(ition(al)?)?_?emb", re.I)
HOME = re.compile(r"cpu|numpy|cuda", re.I)
DEEPEST = 6
CHANGE = (
    "Compute in float32 there (`dtype = torch.float32 if x.device.type == 'mps' else torch.float64`), or in float64 on "
    "the CPU, and move the float32 result."
)


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each value of rotary code that is made in, or cast to,
    float64 on the device of an argument."""
    for call in module.nodes(ast.Call):
        cast = cast_of(module, call)
        if cast is None or cast.dtype not in DOUBLE or _is_guarded(module, call):
            continue
        if not is_rotary(module, call) and not SINUSOIDS.search(module.where(call)):
            continue
        if place := _place(module, call):
            message = f"`{module.text(call)}` makes float64 {place}: MPS has no float64 and raises TypeError"
            yield module.hazard(CODE, call, message, CHANGE, devices="mps")


def _is_guarded(module: Module, call: ast.Call) -> bool:
    """Whether the function asks for the device or the dtype anywhere, or only knows CUDA."""
    function = module.function(call)
    if function is None:
        return True
    tests = [node.test for node in module.within(function, ast.If | ast.IfExp)]  # type: ignore[arg-type]
    return any(GUARD.search(ast.unparse(test)) for test in (*tests, *module.guards(call)))


def _place(module: Module, call: ast.Call) -> str:
    """Return on which device a value is made, in words; nothing where that may be the CPU."""
    device = _device(module, call)
    if device is not None:
        return _of(module, device)
    if module.name(call.func) in MAKERS or not isinstance(call.func, ast.Attribute):
        return ""
    argument = _argument(module, call.func.value)
    return f"of `{argument}`, on its device" if argument else ""


def _device(module: Module, call: ast.Call) -> ast.expr | None:
    if (device := module.argument(call, "device")) is not None:
        return device
    arguments = call.args if method(call) == "to" else []
    return next((a for a in arguments if module.name(a).endswith("device")), None)


def _of(module: Module, device: ast.expr) -> str:
    """Return `on `x.device`` where x is an argument that is a tensor,
    or an attribute of the object."""
    text = module.name(device)
    front, _, last = text.rpartition(".")
    function = module.function(device)
    if last != "device" or function is None or HOME.search(text):
        return ""
    return f"on `{text}`" if front.startswith("self") or _is_tensor(function, front) else ""


def _argument(module: Module, node: ast.AST, depth: int = DEEPEST) -> str:
    """The argument of the function that a value is a view of; nothing where it went to the CPU."""
    function = module.function(node)
    while isinstance(node, ast.Call | ast.Subscript):
        if isinstance(node, ast.Call):
            if not method(node) or module.name(node.func).startswith("torch."):
                return ""
            if any(HOME.search(text) for text in (method(node), *map(ast.unparse, node.args))):
                return ""
            node = node.func
        node = node.value  # type: ignore[attr-defined]
    if not isinstance(node, ast.Name) or function is None or not depth:
        return ""
    values = origins(module, node)
    if values:
        names = {_argument(module, value, depth - 1) for value in values}
        return names.pop() if len(names) == 1 else ""
    return node.id if _is_tensor(function, node.id) else ""


TENSORS = re.compile(
    r"^(x|x[qkv]|[qkv]|quer(y|ies)|keys?|hidden_states?|freqs?(_cis)?|pos|positions?|position_ids|t|img_ids|txt_ids|ids|tensor|angles?|cos|sin|emb)$"
)


def _is_tensor(function: Function, name: str) -> bool:
    """Whether an argument is a tensor, by its annotation, or by its name where it has none."""
    for argument in parameters(function):
        if argument.arg == name:
            note = ast.unparse(argument.annotation) if argument.annotation else ""
            return "Tensor" in note and "ndarray" not in note if note else bool(TENSORS.match(name))
    return False
