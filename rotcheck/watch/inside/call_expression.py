"""Which tensors a function of C is about to get, read off the expression that calls it.

The interpreter tells that such a call begins, and not with what. To put another function in its
place would show in what torch compiles; the names in its call are in the source, and their values
in the frame.
"""

import ast
import linecache
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from types import FrameType, ModuleType
from typing import Any

from torch import Tensor

Names = Sequence[str]
_LAYOUT = {  # methods that leave the values as they are
    "contiguous", "detach", "expand", "flatten", "movedim", "permute", "repeat", "repeat_interleave",
    "reshape", "squeeze", "swapaxes", "transpose", "type_as", "to", "unflatten", "unsqueeze", "view",
}  # fmt: skip


def tensors_of_call(
    frame: FrameType, function: Callable[..., Any], parameters: Names
) -> tuple[Tensor, ...] | None:
    """The first arguments of the call that a frame is about to make, in a layout of their own.

    Args:
        frame: of the caller.
        function: that is called.
        parameters: the names of the arguments that are asked for, its first ones.

    Returns:
        None where the source does not tell: an argument is no variable, or there is no source.
    """
    call = _call_at(frame)
    if call is None or _value(call.func, frame) is not function:
        return None
    values = call.args[: len(parameters)]
    if any(isinstance(node, ast.Starred) for node in values):
        return None
    nodes = dict(zip(parameters, values)) | {
        word.arg: word.value for word in call.keywords if word.arg
    }
    tensors = tuple(_value(_without_layout(nodes.get(name)), frame) for name in parameters)
    return tensors if all(isinstance(x, Tensor) for x in tensors) else None


def _call_at(frame: FrameType) -> ast.Call | None:
    """The expression that a frame is at, if it is a call."""
    at = frame.f_lasti // 2
    position = next(islice(frame.f_code.co_positions(), at, None), (None,) * 4)
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    first, last, start, stop = position
    if first is None or last is None or start is None or stop is None or last > len(lines):
        return None
    return _parse("".join(lines[first - 1 : last]), start, len(lines[last - 1].encode()) - stop)


@lru_cache(maxsize=256)
def _parse(text: str, start: int, rest: int) -> ast.Call | None:
    """The call that lines hold from a byte on, but for some bytes at their end."""
    words = text.encode()
    try:
        node = ast.parse(b"(" + words[start : len(words) - rest] + b")", mode="eval").body
    except SyntaxError:  # another file stands there now
        return None
    return node if isinstance(node, ast.Call) else None


def _without_layout(node: ast.expr | None) -> ast.expr | None:
    """What is laid out otherwise: `q` of `q.transpose(1, 2).contiguous()`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr not in _LAYOUT:
            return None
        node = node.func.value
    return node


def _value(node: ast.expr | None, frame: FrameType) -> Any:
    """The value of a variable, or of a name in a module; None: it is something else."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    if isinstance(node, ast.Attribute):
        module = _value(node.value, frame)
        return vars(module).get(node.attr) if isinstance(module, ModuleType) else None
    return None
