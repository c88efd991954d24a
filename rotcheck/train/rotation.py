"""Three rotations for one seam: the float64 truth, a yardstick, and an implementation.

All take qkv (B, S, 3, H, D) with half pairing at the positions 0 .. S-1, and return it with q and k
rotated.
"""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from rotcheck.convention import Convention, Pairing, laid_positions, lay, split, unlay
from rotcheck.convention.calls import Call, sizes_of
from rotcheck.measure.subject import Subject
from rotcheck.rotary import angles, lanes, pairs, rotate, tables
from rotcheck.rotary.tables import tables_of
from rotcheck.train.miniature import Rotary

THETA = 10000.0


def truth(qkv: Tensor) -> Tensor:
    """Rotate q and k of qkv, float64 on the CPU, by the reference."""
    q, k, v = pairs(qkv, "half").unbind(2)  # (B, S, H, P, 2) each
    phases = _angles(*_sizes(qkv))  # (S, P)
    # (B, S, 3, H, D)
    return lanes(torch.stack((rotate(q, phases), rotate(k, phases), v), 2), "half")


def yardstick(qkv: Tensor) -> Tensor:
    """Rotate as a right implementation would: tables in the dtype, float32 inside, rounded once."""
    table_pair = tables("half-width", "half", _angles(*_sizes(qkv)), qkv.dtype)
    cos, sin = (
        table.to(qkv.device).float()[:, None, None] for table in table_pair
    )  # (S, 1, 1, P) each
    a, b = qkv[:, :, :2].float().chunk(2, -1)  # (B, S, 2, H, P) each
    qk = torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(qkv.dtype)  # (B, S, 2, H, D)
    return torch.cat((qk, qkv[:, :, 2:]), 2)  # (B, S, 3, H, D)


class SeamMismatch(Exception):
    """An implementation cannot be plugged into this model; the message says why."""


def mismatch(convention: Convention, width: int, heads: int) -> str | None:
    """Why a function cannot be plugged into a model of this width and heads; None: it can."""
    if convention.head_dim not in (None, width) or convention.rotary_dim not in (None, width):
        only = convention.rotary_dim or convention.head_dim
        limit = f"it rotates {only} lanes of a head, and the model's heads have {width} to rotate"
        return f"{limit}: it needs another --model"
    if convention.heads not in (None, heads):
        limit = f"it takes {convention.heads} heads, and the model has {heads}"
        return f"{limit}: it needs another --model"
    builds_angles = not convention.takes_tables
    if builds_angles and (convention.theta != THETA or convention.frequencies):
        return f"it has frequencies of its own, and the model's are those of theta {THETA:g}"
    return None


def implementation(subject: Subject) -> Rotary:
    """The seam that calls an implementation, with tensors and tables as its convention has them.

    Lanes of another pairing or direction are laid out for it and back again, as converters of
    checkpoints do once and for all with the rows of the qkv projection: the model stays the same
    function of its weights. The seam raises `SeamMismatch` for sizes that the implementation does
    not take.
    """
    convention = subject.convention
    alone = [axis for letter, axis in (("b", 0), ("h", -2)) if letter not in split(convention.axes)]

    def call(inputs: list[Tensor]) -> list[Tensor]:
        """Call it with (B, S, [3,] H, D), in its order of lanes; rows or heads alone if need be."""
        for axis in alone:
            if inputs[0].shape[axis] > 1:
                parts = [
                    call(list(part))
                    for part in zip(*(x.chunk(x.shape[axis], axis) for x in inputs))
                ]
                return [torch.cat(chunks, axis) for chunks in zip(*parts)]
        arguments = _call(convention, inputs, subject.device)
        return [
            unlay(result, convention.axes, inputs[0].shape[-1])
            for result in subject.call(arguments)
        ]

    def seam(qkv: Tensor) -> Tensor:
        reason = mismatch(convention, qkv.shape[-1], qkv.shape[-2])
        if reason:
            raise SeamMismatch(reason)
        turn = _relaid(_facing(qkv, convention), "half", convention.pairing)
        q, k, v = _rotate_qkv(call, turn, convention)
        q, k = (_relaid(x, convention.output_order, "half") for x in (q, k))
        together = torch.stack((q, k, _relaid(v, convention.pairing, "half")), 2)  # (B, S, 3, H, D)
        return _facing(together, convention)

    return seam


def _rotate_qkv(
    call: Callable[[list[Tensor]], list[Tensor]], qkv: Tensor, convention: Convention
) -> list[Tensor]:
    """Return q, k and v (B, S, H, D) of qkv, by as many calls as it takes."""
    if convention.is_packed:
        return list(call([qkv])[0].unbind(2))
    q, k, v = qkv.unbind(2)
    if convention.slots == ("q",):
        return [*call([q]), *call([k]), v]
    return [*call([q, k, v][: len(convention.slots)]), v][:3]


def _call(convention: Convention, inputs: Sequence[Tensor], device: torch.device) -> Call:
    """The call for the positions 0 .. S-1."""
    batch, length, heads, width = (inputs[0].shape[axis] for axis in (0, 1, -2, -1))
    layouts = [lay(x, convention.axes).contiguous() for x in inputs]
    # autograd forbids writing into a view
    copies = [x.clone() for x in layouts] if convention.in_place else layouts
    rows = torch.arange(length, device=device)  # (S,)
    positions = laid_positions(rows, convention.position_axes, batch).contiguous()
    sizes = sizes_of(convention, batch, length, heads, width, width)
    table_tensors = _tables(convention, batch, length, width, inputs[0].dtype, device)
    return Call(tuple(copies), table_tensors, positions, 0, sizes)


@cache
def _tables(
    convention: Convention,
    batch: int,
    length: int,
    width: int,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, ...]:
    phases = _angles(length, width).expand(batch, -1, -1)  # (B, S, P)
    return tables_of(convention, phases, dtype, device)


def _facing(qkv: Tensor, convention: Convention) -> Tensor:
    """Negate the second lane of each pair (B, S, 3, H, D) for what rotates by minus the angle."""
    if convention.direction == 1:
        return qkv
    first, second = qkv.chunk(2, -1)  # (B, S, 3, H, P) each
    return torch.cat((first, -second), -1)


def _relaid(x: Tensor, have: Pairing, want: Pairing) -> Tensor:
    return x if have == want else lanes(pairs(x, have), want)


def _sizes(qkv: Tensor) -> tuple[int, int]:
    return qkv.shape[1], qkv.shape[-1]


@cache
def _angles(length: int, width: int) -> Tensor:
    return angles(torch.arange(length, device="cpu"), width)  # (S, P)
