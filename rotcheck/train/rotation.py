"""Three rotations for one seam: the float64 truth, a yardstick that rounds once, and an implementation.

All take qkv (B, S, 3, H, D) with half pairing at the positions 0 .. S-1, and return it with q and k rotated.
"""

from functools import cache

import torch
from torch import Tensor

from rotcheck.measure.subject import Subject
from rotcheck.rotary import angles, lanes, pairs, rotate, tables
from rotcheck.train.model import Rotary


def truth(qkv: Tensor) -> Tensor:
    """Rotate q and k of qkv, float64 on the CPU, by the reference."""
    q, k, v = pairs(qkv, "half").unbind(2)  # (B, S, H, P, 2) each
    turned = _angles(*_sizes(qkv))  # (S, P)
    return lanes(torch.stack((rotate(q, turned), rotate(k, turned), v), 2), "half")  # (B, S, 3, H, D)


def yardstick(qkv: Tensor) -> Tensor:
    """Rotate as a right implementation would: tables in the dtype, float32 inside, rounded once."""
    made = tables("half-width", "half", _angles(*_sizes(qkv)), qkv.dtype)
    cos, sin = (table.to(qkv.device).float()[:, None, None] for table in made)  # (S, 1, 1, P) each
    a, b = qkv[:, :, :2].float().chunk(2, -1)  # (B, S, 2, H, P) each
    rotated = torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(qkv.dtype)  # (B, S, 2, H, D)
    return torch.cat((rotated, qkv[:, :, 2:]), 2)  # (B, S, 3, H, D)


def implementation(subject: Subject) -> Rotary:
    """Return the seam of an implementation, its tensors and tables as its convention has them.

    Lanes of another pairing are laid out for it and back again, as converters of checkpoints do once and
    for all with the rows of the qkv projection: the model stays the same function of its weights.
    """
    convention = subject.convention

    @cache
    def tables_for(length: int, width: int, dtype: torch.dtype) -> tuple[Tensor, ...]:
        made = tables(convention.tables, convention.pairing, _angles(length, width), dtype)
        return tuple(table.contiguous().to(subject.device) for table in made)

    def call(x: Tensor) -> Tensor:
        own = x.clone() if convention.in_place else x  # autograd forbids writing into a view of several
        length, width = x.shape[1], x.shape[-1]
        return subject.call(own, tables_for(length, width, x.dtype))

    def seam(qkv: Tensor) -> Tensor:
        laid = lanes(pairs(qkv, "half"), convention.pairing) if convention.pairing != "half" else qkv
        if convention.layout == "qkv":
            rotated = call(laid)  # (B, S, 3, H, D)
        else:
            q, k, v = laid.unbind(2)  # (B, S, H, D) each
            rotated = torch.stack((call(q), call(k), v), 2)  # (B, S, 3, H, D)
        return lanes(pairs(rotated, convention.pairing), "half") if laid is not qkv else rotated

    return seam


def _sizes(qkv: Tensor) -> tuple[int, int]:
    return qkv.shape[1], qkv.shape[-1]


@cache
def _angles(length: int, width: int) -> Tensor:
    return angles(torch.arange(length, device="cpu"), width)  # (S, P)
