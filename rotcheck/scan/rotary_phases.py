"""Where a module multiplies positions by frequencies, and takes the cosine of that: the phases of rotary code."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from rotcheck.scan.module import Function, Module
from rotcheck.scan.value_origins import MAKERS, last_name, origins

ROTARY = re.compile(
    r"(?i:rotary|rotate_(half|quer|q_|k_|every)|inv_?freq|freqs?_?cis?(?![a-z])|(?<![a-z])rope(?![a-z]))|RoPE|Rope(?![a-z])"
)
ROTARY_TEXT = re.compile(ROTARY.pattern.encode())  # a file without it holds no rotary code
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
        if len(operands) != 2:
            continue
        for positions, frequencies in (operands, operands[::-1]):
            if (
                are_frequencies(frequencies)
                and are_positions(module, positions)
                and is_rotary(module, node)
            ):
                yield PhaseProduct(node, positions, frequencies, operation)
                break


def waves(module: Module) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Yield the calls of cos and sin in a module's rotary code, each with its angle."""
    for call in module.nodes(ast.Call):
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if module.name(call.func) in WAVES and call.args:
            angle = call.args[-1]
        elif method in ("cos", "sin") and not call.args and isinstance(call.func, ast.Attribute):
            angle = call.func.value
        else:
            continue
        if is_rotary(module, call):
            yield call, angle


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
        if isinstance(node, ast.Subscript):
            node = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and module.name(node.func) not in MAKERS
        ):
            node = node.func.value
        else:
            return node


def _product(module: Module, node: ast.Call | ast.BinOp) -> tuple[str, list[ast.expr]]:
    if isinstance(node, ast.BinOp):
        sign = {ast.MatMult: "@", ast.Mult: "*"}.get(type(node.op), "")
        return sign, [node.left, node.right] if sign else []
    name = module.name(node.func)
    if name in PRODUCTS:
        first = PRODUCTS[name]
        return name, list(node.args[first : first + 2])
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if (
        method in ("matmul", "bmm", "mm", "outer")
        and isinstance(node.func, ast.Attribute)
        and len(node.args) == 1
    ):
        return f"torch.{method}", [node.func.value, node.args[0]]
    return "", []
