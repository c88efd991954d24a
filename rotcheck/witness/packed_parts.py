"""Which tensors of a call came back turned; of q, k and v in one, (B, S, 3, H, D), which parts?"""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from rotcheck.rotary.frequencies import wrap
from rotcheck.witness.call_record import TensorTurn, tensors_in
from rotcheck.witness.turning import STILL, Turn, find_turn, may_turn

Part = tuple[int, int]
"""The axis along which parts lie, and the place of one."""


def turns_of_parts(before: Tensor, after: Tensor) -> Iterator[tuple[Part | None, Turn]]:
    """Yield how a tensor turned: as a whole, or each part that turned, where these differ."""
    whole = find_turn(before, after)
    for axis in _part_axes(before):
        if whole is not None and _is_even(whole.angles, axis):
            continue
        places = range(before.shape[axis])
        turns = [find_turn(before.select(axis, at), after.select(axis, at)) for at in places]
        if any(turns):
            yield from (((axis, at), turn) for at, turn in enumerate(turns) if turn)
            return
    if whole is not None:
        yield None, whole


def _part_axes(x: Tensor) -> list[int]:
    """The axes that may hold q, k and v, or k and v."""
    if x.dim() < 5:
        return []
    axes = range(x.dim() - 1)
    threes = [axis for axis in axes if x.shape[axis] == 3]
    return threes + [axis for axis in axes if axis and x.shape[axis] == 2]


def _is_even(angles: Tensor, axis: int) -> bool:
    """Whether all places along an axis that turn do so alike."""
    parts = [part for part in angles.unbind(axis) if bool(wrap(part).abs().max() > STILL)]
    return all(bool(wrap(part - parts[0]).abs().max() <= STILL) for part in parts)


def find_turns(
    arguments: list[tuple[str, Tensor]], outputs: Mapping[str, Tensor], values: Mapping[str, Any]
) -> Iterator[TensorTurn]:
    """Yield each argument that came back turned.

    `values`: the arguments themselves, of which those in `arguments` are copies.
    """
    needs_gradient = {
        name + place: x.requires_grad
        for name, value in values.items()
        for place, x in tensors_in(value)
    }
    rest = dict(outputs)
    for name, before in arguments:
        for place, after in list(rest.items()):
            if before.shape != after.shape or before.is_complex() != after.is_complex():
                continue
            turns = list(turns_of_parts(before, after)) if may_turn(before, after) else []
            for part, turn in turns:
                pair = [x if part is None else x.select(*part) for x in (before, after)]
                fields = (place, part, needs_gradient.get(name, False), after.grad_fn)
                yield TensorTurn(name, pair[0], pair[1].detach().clone(), turn, *fields)
            if turns:
                del rest[place]
                break
