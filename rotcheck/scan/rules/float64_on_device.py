"""float64 on the model's device: MPS has none, and raises."""

import ast
import re
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan.module import Function, Module
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import is_rotary
from rotcheck.scan.value_origins import MAKERS, cast_of, origins

CODE = "float64-on-device"
TITLE = "float64 on a device that may have none"
WORDS = ("float64", "double")

DOUBLE = {"torch.float64", "torch.double"}
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
    """Yield each value of rotary code that is made in, or cast to, float64 on the device of an argument."""
    if module.is_test:
        return
    for call in module.nodes(ast.Call):
        cast = cast_of(module, call)
        if (
            cast is None
            or cast.dtype not in DOUBLE
            or not (is_rotary(module, call) or SINUSOIDS.search(module.where(call)))
            or _is_guarded(module, call)
        ):
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
    is_to = isinstance(call.func, ast.Attribute) and call.func.attr == "to"
    return next((a for a in call.args if is_to and module.name(a).endswith("device")), None)


def _of(module: Module, device: ast.expr) -> str:
    """Return `on `x.device`` where x is an argument that is a tensor, or an attribute of the object."""
    text = module.name(device)
    front, _, last = text.rpartition(".")
    function = module.function(device)
    is_known = (
        last == "device"
        and function is not None
        and (front.startswith("self") or _is_tensor(function, front))
    )
    return f"on `{text}`" if is_known and not HOME.search(text) else ""


def _argument(module: Module, node: ast.AST, depth: int = DEEPEST) -> str:
    """The argument of the function that a value is a view of; nothing where it went to the CPU."""
    function = module.function(node)
    while isinstance(node, ast.Call | ast.Subscript):
        if isinstance(node, ast.Call):
            if HOME.search(ast.unparse(node.func).rsplit(".", 1)[-1]) or any(
                HOME.search(ast.unparse(a)) for a in node.args
            ):
                return ""
            if not isinstance(node.func, ast.Attribute) or module.name(node.func).startswith(
                "torch."
            ):
                return ""
            node = node.func.value
        else:
            node = node.value
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
    parameters = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    for argument in parameters:
        if argument.arg == name:
            note = ast.unparse(argument.annotation) if argument.annotation else ""
            return "Tensor" in note and "ndarray" not in note if note else bool(TENSORS.match(name))
    return False
