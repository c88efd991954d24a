"""In which form a function takes cos and sin. A new form is an entry of `FORMS`.

A way in which the two tables of a form go in as one tensor is an entry of `roles.JOINS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rotcheck.convention.pairings import Pairing, lanes

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Tables = tuple["Tensor", ...]
SLOTS = 3  # of q, k and v
_PAIR = ("cos", "sin")


def _as_they_are(cos: "Tensor", sin: "Tensor") -> Tables:
    return cos, sin


def _taken_as_they_are(tables: Tables) -> "tuple[Tensor, Tensor]":
    return tables[0], tables[1]


def _dtype_of_call(dtype: "torch.dtype") -> "torch.dtype":
    return dtype


def _nothing_but_this(_: "Tensor") -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class TableForm:
    """A form of tables: how it is made, read back, converted and described."""

    name: str
    roles: tuple[str, ...] = ("table",)
    """What its tensors are as arguments of a call."""
    axes: str = "s1w"
    """Of a table, where a convention names no others; `w` are its lanes."""
    tail: tuple[int, ...] = ()
    """The sizes of the axes behind the lanes."""
    repeats: bool = False
    """It has each pair's value at both of its lanes: it is as wide as a head."""
    has_slots: bool = False
    """It has a slot for each of q, k and v, of which v's is 1 and 0: it turns nothing."""
    angular: bool = False
    """It holds angles, of which the function takes cos and sin."""
    kind: str = "floats"
    """What its elements are, as far as a function may refuse them whatever their shape."""
    words: str = ""
    """What is said of it behind its shape."""
    exchanged: str = ""
    """The form of which it holds sin for cos and cos for sin:
    what is tried as that may turn out to be this."""
    usual_pairing: Pairing | None = None
    """The pairing of every taker that is known; None: there are takers of either."""
    join: Callable[["Tensor", "Tensor"], Tables] = _as_they_are
    """From cos and sin (..., W) to its tensors; angular forms hold the angles as they are."""
    read: Callable[[Tables], "tuple[Tensor, Tensor]"] = _taken_as_they_are
    """From its tensors to cos and sin, as views where it holds them.

    Raises TypeError for tensors of no such kind.
    """
    fits: Callable[["Tensor"], bool] = _nothing_but_this
    """Whether a tensor that a function returned may be this form, by its dtype and last axes."""
    certain: bool = True
    """What fits is this form, whatever its values."""
    dtype: Callable[["torch.dtype"], "torch.dtype"] = _dtype_of_call
    """The dtype of the tables in a call of this dtype."""
    of_angles: Mapping[str, str] = field(
        default_factory=lambda: {"cos": "{0}.cos()", "sin": "{0}.sin()"}
    )
    """Code: what each tensor is, of angles of as many lanes as it has."""
    cast: str | None = None
    """Code: what gives such a tensor its dtype; None: as the call's."""
    to_pair: str = ""
    """Code: the line that reads cos and sin out of it."""
    from_pair: str = ""
    """Code: the lines that make it of cos and sin."""
    negation: tuple[str, ...] = ()
    """Code: the lines that turn it the other way round; empty: by way of cos and sin."""

    @property
    def separate(self) -> bool:
        """Whether cos and sin are two tensors."""
        return self.roles == _PAIR

    @property
    def variables(self) -> tuple[str, ...]:
        """What its tensors are called in code."""
        return ("angles",) if self.angular else self.roles

    @property
    def inverse(self) -> list[str]:
        """Code: the lines that turn it the other way round."""
        return list(self.negation) or [self.to_pair, "sin = -sin", self.from_pair]

    def make(self, pairing: Pairing, angles: "Tensor", dtype: "torch.dtype") -> Tables:
        """Its tensors ([...,] S, [3,] W, ...) of angles ([...,] S, P) in radians, float64:
        rounded once."""
        import torch

        if self.repeats:
            angles = lanes(torch.stack((angles, angles), -1), pairing)
        tables = (angles,) if self.angular else self.join(angles.cos(), angles.sin())
        if self.has_slots:
            tables = tuple(with_slots(table, at) for at, table in enumerate(tables))
        return tuple(table.to(self.dtype(dtype)) for table in tables)


def with_slots(table: "Tensor", is_sin: int) -> "Tensor":
    """A table (B, S, W) with a slot for each of q, k and v, that of v the table of no rotation."""
    slots = table[:, :, None].repeat(1, 1, SLOTS, *[1] * (table.dim() - 2))
    slots[:, :, 2] = 0.0 if is_sin else 1.0
    return slots


def _complex(cos: "Tensor", sin: "Tensor") -> Tables:
    import torch

    return (torch.complex(cos, sin),)


def _read_complex(tables: Tables) -> "tuple[Tensor, Tensor]":
    (table,) = tables
    if not table.is_complex():
        raise TypeError(f"complex tables have a complex dtype, not {table.dtype}")
    return table.real, table.imag


def _complex_dtype(dtype: "torch.dtype") -> "torch.dtype":
    """There is no complex arithmetic in half precision to speak of."""
    import torch

    return torch.complex128 if dtype == torch.float64 else torch.complex64


def _stack(cos: "Tensor", sin: "Tensor") -> Tables:
    import torch

    return (torch.stack((cos, sin), -1),)


def _read_stacked(tables: Tables) -> "tuple[Tensor, Tensor]":
    (table,) = tables
    if table.shape[-1] != 2:
        raise TypeError(f"stacked tables end in an axis of 2, not of {table.shape[-1]}")
    return table[..., 0], table[..., 1]


def _stack_sin_first(cos: "Tensor", sin: "Tensor") -> Tables:
    return _stack(sin, cos)


def _read_sin_first(tables: Tables) -> "tuple[Tensor, Tensor]":
    sin, cos = _read_stacked(tables)
    return cos, sin


def _matrix(cos: "Tensor", sin: "Tensor") -> Tables:
    import torch

    return (torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2),)


def _read_matrix(tables: Tables) -> "tuple[Tensor, Tensor]":
    (table,) = tables
    if table.shape[-2:] != (2, 2):
        raise TypeError(f"matrix tables end in two axes of 2, not in {tuple(table.shape[-2:])}")
    return table[..., 0, 0], table[..., 1, 0]


def _read_angles(tables: Tables) -> "tuple[Tensor, Tensor]":
    (table,) = tables
    if not table.is_floating_point():
        raise TypeError(
            f"angles have a floating point dtype, not {table.dtype}; for integers say form='positions'"
        )
    return table.cos(), table.sin()


def _angle_dtype(dtype: "torch.dtype") -> "torch.dtype":
    """Angles have float32 at least: in a narrower dtype they are no angles any more."""
    import torch

    return torch.float64 if dtype == torch.float64 else torch.float32


def _angles(name: str, *, repeats: bool, words: str) -> TableForm:
    return TableForm(
        name=name,
        axes="sw",
        repeats=repeats,
        angular=True,
        words=words,
        read=_read_angles,
        dtype=_angle_dtype,
        of_angles={"table": "{0}"},
        cast=".float()",
        to_pair="cos, sin = angles.cos(), angles.sin()",
        from_pair="angles = torch.atan2(sin, cos)",
        negation=("angles = -angles",),
    )


FORMS = {
    form.name: form
    for form in (
        TableForm(name="repeated", roles=_PAIR, repeats=True, negation=("sin = -sin",)),
        TableForm(name="half-width", roles=_PAIR, axes="sw", negation=("sin = -sin",)),
        TableForm(
            name="packed",
            roles=_PAIR,
            axes="1s31w",
            repeats=True,
            has_slots=True,
            of_angles={
                "cos": "torch.stack(({0}.cos(), {0}.cos(), torch.ones_like({0})), -2)",
                "sin": "torch.stack(({0}.sin(), {0}.sin(), torch.zeros_like({0})), -2)",
            },
            negation=("sin = -sin",),
        ),
        TableForm(
            name="complex",
            kind="complex",
            words="complex",
            usual_pairing="interleaved",
            join=_complex,
            read=_read_complex,
            fits=lambda table: table.is_complex(),
            dtype=_complex_dtype,
            of_angles={"table": "torch.polar(torch.ones_like({0}), {0}).to(torch.complex64)"},
            cast="",
            to_pair="cos, sin = table.real, table.imag",
            from_pair="wide = torch.promote_types(cos.dtype, torch.float32)\n"
            "table = torch.complex(cos.to(wide), sin.to(wide))",
            negation=("table = table.conj()",),
        ),
        _angles("angles-repeated", repeats=True, words=""),
        _angles("angles", repeats=False, words="angles"),
        TableForm(
            name="stacked",
            tail=(2,),
            usual_pairing="interleaved",
            join=_stack,
            read=_read_stacked,
            fits=lambda table: table.dim() >= 3 and table.shape[-1] == 2 and table.shape[-2] > 2,
            certain=False,
            of_angles={"table": "torch.stack(({0}.cos(), {0}.sin()), -1)"},
            to_pair="cos, sin = table.unbind(-1)",
            from_pair="table = torch.stack((cos, sin), -1)",
        ),
        TableForm(
            name="stacked-sin-first",
            exchanged="stacked",
            tail=(2,),
            words="sin and cos",
            join=_stack_sin_first,
            read=_read_sin_first,
            certain=False,
            of_angles={"table": "torch.stack(({0}.sin(), {0}.cos()), -1)"},
            to_pair="sin, cos = table.unbind(-1)",
            from_pair="table = torch.stack((sin, cos), -1)",
        ),
        TableForm(
            name="matrix",
            tail=(2, 2),
            usual_pairing="interleaved",
            join=_matrix,
            read=_read_matrix,
            fits=lambda table: table.dim() >= 4 and table.shape[-2:] == (2, 2),
            of_angles={
                "table": "torch.stack(({0}.cos(), -{0}.sin(), {0}.sin(), {0}.cos()), -1)"
                ".unflatten(-1, (2, 2))"
            },
            to_pair="cos, sin = table[..., 0, 0], table[..., 1, 0]",
            from_pair="table = torch.stack("
            "(torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)",
            negation=("table = table.transpose(-1, -2)",),
        ),
    )
}
"""Every form of tables by name, the commonest first: in this order they are tried."""

NO_TABLES = TableForm(name="positions", roles=("positions",), axes="")
"""Of a function that is handed no tables and computes the angles of positions itself."""
