"""Three rotations for one seam: the float64 truth, a yardstick that rounds once, and an implementation.

All take qkv (B, S, 3, H, D) with half pairing at the positions 0 .. S-1, and return it with q and k rotated.
"""

from functools import cache

import torch
from torch import Tensor

from rotcheck.measure.subject import Subject
from rotcheck.rotary import angles, lanes, pairs, rotate, tables
from rotcheck.rotary.calls import Call
from rotcheck.rotary.conventions import Convention, Pairing, lay, unlay
from rotcheck.train.model import HEAD_DIM, Rotary

THETA = 10000.0


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


def unfit(convention: Convention) -> str | None:
    """Return why a function cannot be the seam of a model of these sizes, or None."""
    if convention.head_dim not in (None, HEAD_DIM) or convention.rotary_dim not in (None, HEAD_DIM):
        only = convention.rotary_dim or convention.head_dim
        return f"it rotates {only} lanes of a head, and the model's heads have {HEAD_DIM} to rotate"
    own = convention.tables == "positions"
    if own and (convention.theta != THETA or convention.frequencies):
        return f"it has frequencies of its own, and the model's are those of theta {THETA:g}"
    return None


def implementation(subject: Subject) -> Rotary:
    """Return the seam of an implementation, its tensors and tables as its convention has them.

    Lanes of another pairing are laid out for it and back again, as converters of checkpoints do once and
    for all with the rows of the qkv projection: the model stays the same function of its weights.
    """
    convention = subject.convention
    written = convention.written

    @cache
    def tables_for(batch: int, length: int, width: int, dtype: torch.dtype) -> tuple[Tensor, ...]:
        if convention.tables == "positions":
            return ()
        turned = _angles(length, width).expand(batch, -1, -1)  # (B, S, P)
        order = convention.table_lanes or convention.pairing
        made = tables(convention.tables, order, turned, dtype, convention.table_axes)
        return tuple(table.contiguous().to(subject.device) for table in made)

    def call(inputs: list[Tensor], like: Tensor) -> list[Tensor]:
        """Call it with (B, S, [3,] H, D) each, in its own order of lanes."""
        batch, length, heads, width = like.shape[0], like.shape[1], like.shape[-2], like.shape[-1]
        laid = [lay(x, convention.axes) for x in inputs]
        # cloned, since autograd forbids writing into a view
        own = [x.clone() for x in laid] if convention.in_place else laid
        positions = torch.arange(length, device=subject.device).expand(batch, -1)  # (B, S)
        if "b" not in convention.position_axes:
            positions = positions[0] if convention.position_axes == "s" else positions[:1]
        sizes = {"B": batch, "S": length, "H": heads, "D": width, "R": width}
        given = Call(tuple(own), tables_for(batch, length, width, like.dtype), positions, 0, sizes)
        return [unlay(result, convention.axes, width) for result in subject.call(given)]

    def seam(qkv: Tensor) -> Tensor:
        turn = _relaid(qkv, "half", convention.pairing)
        if convention.packed:
            (rotated,) = call([turn], qkv)  # (B, S, 3, H, D)
            q, k, v = rotated.unbind(2)  # (B, S, H, D) each
        elif convention.slots == ("q",):
            q, k, v = turn.unbind(2)
            (q,), (k,) = call([q], qkv), call([k], qkv)
        else:
            q, k, *rest = call(list(turn.unbind(2)[: len(convention.slots)]), qkv)
            v = rest[0] if rest else turn[:, :, 2]
        q, k = (_relaid(x, written, "half") for x in (q, k))
        return torch.stack((q, k, _relaid(v, convention.pairing, "half")), 2)  # (B, S, 3, H, D)

    return seam


def _relaid(x: Tensor, have: Pairing, want: Pairing) -> Tensor:
    return x if have == want else lanes(pairs(x, have), want)


def _sizes(qkv: Tensor) -> tuple[int, int]:
    return qkv.shape[1], qkv.shape[-1]


@cache
def _angles(length: int, width: int) -> Tensor:
    return angles(torch.arange(length, device="cpu"), width)  # (S, P)
