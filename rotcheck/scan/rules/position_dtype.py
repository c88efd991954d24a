"""Positions or angles in a half-precision dtype:
whole numbers are exact only up to 256 in bfloat16."""

import ast
import re
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import ACTIVATIONS, phases, waves
from rotcheck.scan.syntax import parameters
from rotcheck.scan.torch_modules import assignments, buffers, methods, module_at_work, runs_later
from rotcheck.scan.value_origins import MAKERS, WIDE, Cast, casts

CODE = "position-dtype"
TITLE = "Positions or angles in a dtype that rounds them"
WORDS = ("arange", "inv_freq", "freqs", "position")
ROTARY_ONLY = True

DEVICES = "all, in bfloat16 and float16"
HALF = {
    "torch.bfloat16": "bfloat16: wrong above position 256",
    "torch.float16": "float16: wrong above position 2048",
    "torch.half": "float16: wrong above position 2048",
}
FLAGS = re.compile(r"fp32|float32|full_precision", re.I)


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each cast to a narrow dtype on the way to a phase, or from there to cos and sin."""
    visits: set[ast.AST] = set()
    positions = [phase.positions for phase in phases(module)]
    angles = [angle for _, angle in waves(module)]
    for cast in (cast for value in (*positions, *angles) for cast in casts(module, value)):
        guards = (ast.unparse(test) for test in module.guards(cast.node))
        if cast.node in visits or any(FLAGS.search(guard) for guard in guards):
            continue
        if message := _message(module, cast) if _counts(module, cast) else "":
            visits.add(cast.node)
            yield module.hazard(CODE, cast.node, message, CHANGE, devices=DEVICES)


CHANGE = (
    "Compute positions, frequencies and their product in float32 (`torch.arange(n, dtype=torch.float32)`, "
    "`inv_freq.float()` of frequencies that were kept in float32), and cast cos and sin at the end."
)


def _counts(module: Module, cast: Cast) -> bool:
    """Whether a cast is of numbers that count:
    `torch.zeros` and its like are exact in each dtype."""
    name = module.name(cast.node.func)
    return name not in MAKERS or name in ("torch.arange", "torch.linspace", "torch.tensor")


def _message(module: Module, cast: Cast) -> str:
    code = module.text(cast.node)
    if cast.dtype in HALF:
        return f"`{code}` rounds positions, frequencies or angles to {HALF[cast.dtype]}"
    tensor = cast.dtype.removesuffix(".dtype")
    if tensor == cast.dtype:
        return _of_argument(module, cast, code)
    if _is_activation(module, cast, tensor):
        return f"`{code}` takes the dtype of the activations: bfloat16 rounds positions above 256, and frequencies"
    if tensor.startswith("self.") and _is_buffer(module, cast, tensor[5:]):
        return (
            f"`{code}` takes the dtype of the buffer `{tensor[5:]}`, which `.to(dtype)`, `.half()` and `.bfloat16()` "
            "of the model change: it then rounds positions above 256 (bfloat16) or 2048 (float16)"
        )
    return ""


def _of_argument(module: Module, cast: Cast, code: str) -> str:
    """What a cast to the dtype that an argument names does,
    where the same file hands on that of activations."""
    function = module.function(cast.node)
    names = [argument.arg for argument in function.args.args] if function is not None else []
    if function is None or cast.dtype not in names or any(module.stores(function, cast.dtype)):
        return ""
    for call in module.nodes(ast.Call):
        if (module.name(call.func) or ast.unparse(call.func)).rpartition(".")[2] != function.name:
            continue
        is_method = isinstance(call.func, ast.Attribute) and names[0] == "self"
        dtype = module.argument(call, cast.dtype, names.index(cast.dtype) - is_method)
        text = ast.unparse(dtype) if dtype is not None else ""
        if text.endswith(".dtype") and (text == "tokens.dtype" or ACTIVATIONS.match(text[:-6])):
            return (
                f"`{code}` takes the dtype of the activations (`{text}`, line {call.lineno}): bfloat16 rounds "
                "positions above 256, and all phases"
            )
    return ""


def _is_activation(module: Module, cast: Cast, tensor: str) -> bool:
    """Whether the dtype is that of an argument which is named as activations are,
    and still as it came."""
    function = module.function(cast.node)
    if function is None or not ACTIVATIONS.match(tensor):
        return False
    is_argument = any(argument.arg == tensor for argument in parameters(function))
    return is_argument and not any(module.stores(function, tensor))


def _is_buffer(module: Module, cast: Cast, name: str) -> bool:
    """Whether the dtype is that of a buffer, read after the object is built,
    and nothing keeps it float32."""
    owner, function = module_at_work(module, cast.node), module.function(cast.node)
    if owner is None or function is None:
        return False
    nodes = {buffer.node for buffer in buffers(module, owner) if buffer.name == name}
    makes_it = not nodes.isdisjoint(module.within(function, ast.Call))
    return bool(nodes) and not makes_it and not _keeps_buffer(module, owner, name)


def _keeps_buffer(module: Module, owner: ast.ClassDef, name: str) -> bool:
    """Whether a class overrides what casts it, or casts the buffer back."""
    if not {"_apply", "to", "half", "bfloat16"}.isdisjoint(methods(owner)):
        return True
    values = [part for part in assignments(module, owner) if part[0] == name]
    return any(
        runs_later(module, node) and any(cast.dtype in WIDE for cast in casts(module, value))
        for _, value, node in values
    )
