"""Right rotary functions made by rule: pairing, direction, layout,
form of the tables and arithmetic of each kind."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import torch
from sound import DTYPE, ONCE, OWN, TABLES
from torch import Tensor

from rotcheck.convention import LAYOUTS, Convention, Pairing, TableForm

LAYOUTS_MADE = (
    "bshd",
    "bhsd",
    "sbhd",
    "thd",
    "bsd",
    "bs(hd)",
    "qkv",
    "3bshd",
    "b3hsd",
    "sb3hd",
    "t3hd",
)
FORMS: tuple[TableForm, ...] = (
    "half-width",
    "repeated",
    "complex",
    "stacked",
    "matrix",
    "angles",
    "angles-repeated",
)
WIDE: tuple[TableForm, ...] = ("complex", "angles", "angles-repeated")  # have float32 at least
Pairs = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Made:
    """A function made by rule."""

    name: str
    family: str
    convention: Convention
    function: Callable[..., Tensor]


def every() -> Iterator[Made]:
    """Yield all of them; those of a negative direction in two layouts only."""
    pairings: tuple[Pairing, ...] = ("half", "interleaved")
    for pairing, layout, form, (style, wide) in product(pairings, LAYOUTS_MADE, FORMS, _STYLES):
        for direction in (1, -1) if layout in ("bshd", "qkv") else (1,):
            axes = "".join(
                {"s": "s", "d": "w", "e": "w"}.get(axis, "1") for axis in LAYOUTS[layout].axes
            )
            axes = axes.replace("w", "1w") if "e" in LAYOUTS[layout].axes else axes
            convention = Convention(
                pairing=pairing, layout=layout, tables=form, table_axes=axes, direction=direction
            )
            family = (ONCE if form in WIDE else TABLES) if wide else DTYPE
            name = (
                f"{pairing} {layout} {form} {style.__name__}{' in float32' * wide} {direction:+d}"
            )
            yield Made(name, family, convention, _function(convention, style, wide))


def _function(
    convention: Convention, style: Callable[..., Pairs], wide: bool
) -> Callable[..., Tensor]:
    axes = convention.axes

    def rotate(x: Tensor, *tables: Tensor) -> Tensor:
        given, width = (
            x,
            2 * tables[0].shape[_last(convention.tables)] // (2 if _full(convention.tables) else 1),
        )
        if "e" in axes:
            x = x.unflatten(-1, (-1, width))
        cos, sin = _cos_sin(convention, tables)
        own = x.select(axes.index("3"), 2) if "3" in axes else None
        inner = torch.float64 if x.dtype == torch.float64 else torch.float32 if wide else x.dtype
        a, b = _split(x.to(inner), convention.pairing)
        first, second = style(a, b, cos.to(inner), convention.direction * sin.to(inner))
        out = _join(first, second, convention.pairing).to(x.dtype)
        if own is not None:
            at = axes.index("3")
            out = torch.cat((out.narrow(at, 0, 2), own.unsqueeze(at)), at)
        return out.reshape(given.shape)

    def pair(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return rotate(x, cos, sin)

    def lone(x: Tensor, freqs: Tensor) -> Tensor:
        return rotate(x, freqs)

    return pair if convention.tables in ("half-width", "repeated") else lone


def _last(form: TableForm) -> int:
    return {"stacked": -2, "matrix": -3}.get(form, -1)


def _full(form: TableForm) -> bool:
    return form in ("repeated", "angles-repeated")


def _cos_sin(convention: Convention, tables: tuple[Tensor, ...]) -> Pairs:
    form, table = convention.tables, tables[0]
    if form in ("half-width", "repeated"):
        cos, sin = tables
    elif form == "complex":
        cos, sin = table.real, table.imag
    elif form == "stacked":
        cos, sin = table.unbind(-1)
    elif form == "matrix":
        cos, sin = table[..., 0, 0], table[..., 1, 0]
    else:
        cos, sin = table.cos(), table.sin()
    if _full(form):
        return _split(cos, convention.pairing)[0], _split(sin, convention.pairing)[0]
    return cos, sin


def _split(x: Tensor, pairing: Pairing) -> Pairs:
    a, b = x.chunk(2, -1) if pairing == "half" else (x[..., ::2], x[..., 1::2])
    return a, b


def _join(a: Tensor, b: Tensor, pairing: Pairing) -> Tensor:
    return torch.cat((a, b), -1) if pairing == "half" else torch.stack((a, b), -1).flatten(-2)


def plain(a: Tensor, b: Tensor, cos: Tensor, sin: Tensor) -> Pairs:
    return a * cos - b * sin, b * cos + a * sin


def fused(a: Tensor, b: Tensor, cos: Tensor, sin: Tensor) -> Pairs:
    return torch.addcmul(a * cos, -b, sin), torch.addcmul(b * cos, a, sin)


def _numbers(a: Tensor, b: Tensor, cos: Tensor, sin: Tensor) -> Pairs:
    turned = torch.complex(a.contiguous(), b.contiguous()) * torch.complex(
        cos.contiguous(), sin.contiguous()
    )
    return turned.real, turned.imag


_numbers.__name__ = "complex"
_STYLES: tuple[tuple[Callable[..., Pairs], bool], ...] = (
    (plain, False),
    (plain, True),
    (fused, False),
    (_numbers, True),
)


# those that compute their angles themselves, in float32


@dataclass(frozen=True)
class Frequencies:
    """How inverse frequencies are computed, in float32, of a width and a theta."""

    name: str
    of: Callable[[int, float], Tensor]


def _by_log(width: int, theta: float) -> Tensor:
    return torch.exp(torch.arange(0, width, 2).float() * (-math.log(theta) / width))


def _by_log_of_tensor(width: int, theta: float) -> Tensor:
    return torch.exp(-torch.arange(0, width, 2).float() * (torch.log(torch.tensor(theta)) / width))


FREQUENCIES = (
    Frequencies(
        "llama",
        lambda w, theta: 1.0 / theta ** (torch.arange(0, w, 2, dtype=torch.int64).float() / w),
    ),
    Frequencies("negative power", lambda w, theta: theta ** -(torch.arange(0, w, 2).float() / w)),
    Frequencies("exp of log", _by_log),
    Frequencies("exp of a tensor's log", _by_log_of_tensor),
    Frequencies("linspace", lambda w, theta: 1.0 / theta ** torch.linspace(0, 1, w // 2 + 1)[:-1]),
    Frequencies("float64", lambda w, theta: theta ** (-torch.arange(0, w, 2).double() / w)),
)
THETAS = (10000.0, 500000.0, 1000000.0, 10000000.0)


def own_angles() -> Iterator[Made]:
    """Yield functions of positions, by how they compute their frequencies."""
    for pairing, theta, frequencies in product(("half", "interleaved"), THETAS, FREQUENCIES):
        convention = Convention(
            pairing=pairing, layout="bshd", tables="positions", positions="any", theta=theta
        )  # type: ignore[arg-type]
        name = f"{pairing} positions {frequencies.name} {theta:g}"
        yield Made(name, OWN, convention, _of_positions(convention, frequencies))


def _of_positions(convention: Convention, frequencies: Frequencies) -> Callable[..., Tensor]:
    def rotate(x: Tensor, positions: Tensor) -> Tensor:
        own = frequencies.of(x.shape[-1], convention.theta)
        angles = (positions.to(own.dtype)[..., None] * own).unsqueeze(-2)
        a, b = _split(x.to(torch.promote_types(x.dtype, torch.float32)), convention.pairing)
        return _join(*plain(a, b, angles.cos(), angles.sin()), convention.pairing).to(x.dtype)

    return rotate
