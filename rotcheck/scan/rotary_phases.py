"""Where a module multiplies positions by frequencies, and takes the cosine of that:
the phases of rotary code."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from rotcheck.rotary_names import IN_SOURCE
from rotcheck.scan.module import Module
from rotcheck.scan.syntax import Function, last_name, method
from rotcheck.scan.value_origins import MAKERS, origins

ROTARY = re.compile(IN_SOURCE)
ROTARY_TEXT = re.compile(IN_SOURCE.encode())  # a file without it holds no rotary code
# of diffusion: numbers between 0 and 1000
TIMESTEPS = re.compile(r"time_?(step)?s?_?(proj|emb)", re.I)
FREQUENCIES = re.compile(r"(^|_)(inv_?freqs?|freqs?|frequenc\w+|thetas?|omegas?)(_|\d*$)", re.I)
POSITIONS = re.compile(
    r"(^|_)(t|m|seq|pos|positions?|ids|idx|idxs|index|indices|grid|coords?|arange|offsets?)(_|\d*$)"
)
ACTIVATIONS = re.compile(
    r"^(x|x[qkv]|[qkv]|qk|qkv|quer(y|ies)|keys?|values?|hidden_states?|(query|key|value)_(states|layer)|inputs?(_embeds)?)$"
)
PRODUCTS = {
    "torch.einsum": 1, "einops.einsum": 0, "torch.outer": 0, "torch.matmul": 0, "torch.bmm": 0, "torch.mm": 0,
    "torch.tensordot": 0, "torch.kron": 0, "torch.ger": 0,
}  # fmt: skip
WAVES = {"torch.cos", "torch.sin", "torch.polar"}


class PhaseProduct(NamedTuple):
    """A product of positions and frequencies."""

    node: ast.Call | ast.BinOp
    positions: ast.expr
    frequencies: ast.expr
    operation: str  # "torch.einsum", "@", "*"


def is_rotary(module: Module, node: ast.AST) -> bool:
    """Whether the class or function around a node, or what it uses, is named as rotary code is."""
    if TIMESTEPS.search(module.where(node)):
        return False
    if ROTARY.search(module.where(node)):
        return True
    function = node if isinstance(node, Function) else module.function(node)
    names = module.within(function, ast.Name | ast.Attribute) if function is not None else ()  # type: ignore[arg-type]
    return any(ROTARY.search(last_name(name)) for name in names)


def phases(module: Module) -> Iterator[PhaseProduct]:
    """Yield the products of positions and frequencies in a module's rotary code."""
    for node in module.nodes(ast.Call | ast.BinOp):  # type: ignore[arg-type]
        operation, operands = _product(module, node)
        for positions, frequencies in (operands, operands[::-1]) if len(operands) == 2 else ():
            are_factors = are_frequencies(frequencies) and are_positions(module, positions)
            if are_factors and is_rotary(module, node):
                yield PhaseProduct(node, positions, frequencies, operation)
                break


def waves(module: Module) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Yield the calls of cos and sin in a module's rotary code, each with its angle."""
    for call in module.nodes(ast.Call):
        angle = _angle(module, call)
        if angle is not None and is_rotary(module, call):
            yield call, angle


def _angle(module: Module, call: ast.Call) -> ast.expr | None:
    """What a call takes the cosine or the sine of; None for other calls."""
    if module.name(call.func) in WAVES and call.args:
        return call.args[-1]
    match call:
        case ast.Call(func=ast.Attribute(value=angle, attr="cos" | "sin"), args=[]):
            return angle
    return None


def are_frequencies(node: ast.expr) -> bool:
    """Whether a value is named as frequencies are."""
    return bool(FREQUENCIES.search(last_name(node)))


def are_positions(module: Module, node: ast.expr) -> bool:
    """Whether a value is named as positions are, or counts from one number to another."""
    if are_frequencies(node):
        return False
    name = last_name(node)
    return bool(POSITIONS.search(name)) or _counts(module, node)


def _counts(module: Module, node: ast.AST, depth: int = 4) -> bool:
    inner = _without_casts(module, node)
    if isinstance(inner, ast.Call):
        return module.name(inner.func) in ("torch.arange", "torch.linspace")
    if isinstance(inner, ast.Name) and depth:
        return any(_counts(module, value, depth - 1) for value in origins(module, inner))
    return False


def _without_casts(module: Module, node: ast.AST) -> ast.AST:
    while True:
        match node:
            case ast.Subscript(value=inner):
                node = inner
            case ast.Call(func=ast.Attribute(value=inner)) if module.name(node.func) not in MAKERS:
                node = inner
            case _:
                return node


def _product(module: Module, node: ast.Call | ast.BinOp) -> tuple[str, list[ast.expr]]:
    if isinstance(node, ast.BinOp):
        sign = {ast.MatMult: "@", ast.Mult: "*"}.get(type(node.op), "")
        return sign, [node.left, node.right] if sign else []
    name = module.name(node.func)
    if name in PRODUCTS:
        return name, list(node.args[PRODUCTS[name] : PRODUCTS[name] + 2])
    match node:
        case ast.Call(
            func=ast.Attribute(value=first, attr="matmul" | "bmm" | "mm" | "outer"), args=[second]
        ):
            return f"torch.{method(node)}", [first, second]
    return "", []
