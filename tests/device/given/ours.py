"""rotcheck's functions in the forms of those that they are timed against:
the same tensors, as many bytes to move."""

from torch import Tensor

import rotcheck
from rotcheck.rotary import apply_rotary


@rotcheck.declare(pairing="half", layout="bshd", tables="half-width")
def one_tensor(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x (B, S, H, D), as `flash-attn` does: out of place, called for q and for k."""
    return apply_rotary(x, cos, sin)


@rotcheck.declare(pairing="half", layout="qkv", tables="half-width", in_place=True)
def packed(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate q and k in qkv (B, S, 3, H, D), as `flash-attn-qkv` does: in place, V left alone."""
    return apply_rotary(qkv, cos, sin, layout="qkv", inplace=True)


@rotcheck.declare(
    pairing="half",
    layout="bhsd",
    tables="repeated",
    table_axes="bsw",
    arguments=("q", "k", "cos", "sin"),
)
def heads_first(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate q and k (B, H, S, D), as `liger` does:
    tables with a row for each batch, each value twice."""
    return (
        apply_rotary(q, cos, sin, layout="bhsd", form="repeated"),
        apply_rotary(k, cos, sin, layout="bhsd", form="repeated"),
    )
