"""How a function is called, in words that whoever reads an exception can follow: arguments and their shapes."""

from collections.abc import Iterable

from rotcheck.convention import Convention
from rotcheck.rotary.calls import parsed
from rotcheck.rotary.tables import AXES

_LETTERS = {"e": "H*D", "f": "3*D"}
_BEHIND = {"stacked": ("2",), "matrix": ("2", "2")}
_FULL = ("repeated", "packed", "angles-repeated")


def call_with_shapes(convention: Convention) -> str:
    """Return a call in words: `f(q, k, cos, sin) with q and k (B, S, H, D), cos and sin (B, S, D)`."""
    arguments = parsed(convention.called_with)
    shown = ", ".join(f"{name}={role}" if name else role for name, role in arguments)
    alike: dict[str, list[str]] = {}
    for _, role in arguments:
        shape = _shape(role, convention)
        if shape:
            alike.setdefault(shape, []).append(role)
    shapes = ", ".join(f"{' and '.join(roles)} {shape}" for shape, roles in alike.items())
    return f"f({shown}) with {shapes}"


def _shape(role: str, convention: Convention) -> str | None:
    if role in ("q", "k", "v", "x", "qkv"):
        return _tuple(_LETTERS.get(axis, axis.upper()) for axis in convention.axes)
    if role == "positions":
        return _tuple(axis.upper() for axis in convention.position_axes)
    if role == "offsets":
        return "(B,)"
    if "cos" in role or "sin" in role or role == "table":
        return _table(role, convention)
    return None  # a size or a constant says itself what it is


def _table(role: str, convention: Convention) -> str:
    form = convention.tables
    full, joined = form in _FULL, "+" in role or "|" in role
    lanes = "D" if convention.rotary_dim is None else str(convention.rotary_dim)
    width = {
        (True, True): f"2*{lanes}",
        (True, False): lanes,
        (False, True): lanes,
        (False, False): f"{lanes}/2",
    }
    axes = convention.table_axes or AXES.get(form, "sw")
    fixed = {"w": width[full, joined], "g": "3"}
    named = [fixed.get(axis, axis.upper()) for axis in axes]
    return _tuple([*named, *_BEHIND.get(form, ())]) + (
        f" of {form}" if form in ("complex", "angles") else ""
    )


def _tuple(sizes: Iterable[str]) -> str:
    found = list(sizes)
    return f"({', '.join(found)}{',' if len(found) == 1 else ''})"
