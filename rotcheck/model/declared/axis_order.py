"""Which axis (time, height, width) each pair is declared to turn with, and what is done instead."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

from rotcheck.model.declared.declared_rotation import DeclaredRotation
from rotcheck.model.declared.key_changes import key_name
from rotcheck.rotary.schedules import Axial, AxisRows

_NAMES = {"t": "time", "h": "height", "w": "width"}
_ORDERS = {2: "hw", 3: "thw"}


@dataclass(frozen=True, slots=True)
class AxisOrder:
    """The axis of each pair: `axes`, (P,) int64, each a place in `names`.

    `counts`: pairs of each axis, as the configuration lists them. `how`: in which order they stand.
    """

    names: tuple[str, ...]
    axes: Tensor
    counts: tuple[int, ...]
    how: str

    def __str__(self) -> str:
        return f"{axis_counts(self.axes, self.names)} pairs, {self.how}"


def axis_counts(axes: Tensor, names: Sequence[str]) -> str:
    """How many pairs turn with each axis: `time 16, height 24, width 24`."""
    counts = [(name, int((axes == axis).sum())) for axis, name in enumerate(names)]
    return ", ".join(f"{name} {count}" for name, count in counts if count)


def axis_order(rotation: DeclaredRotation) -> AxisOrder | None:
    """The order that a configuration declares; None where it declares no axes, or other numbers of
    pairs than turn."""
    schedule, settings = rotation.schedule, rotation.settings
    if isinstance(schedule, AxisRows):
        counts = tuple(lanes // 2 for lanes in schedule.lanes)
        return _of_counts(counts, _letters(rotation, len(counts)), "one after another")
    if isinstance(schedule, Axial) and rotation.rotary_dim:
        counts = (rotation.rotary_dim // 2 // schedule.axes,) * schedule.axes
        how = "dealt in turn" if schedule.dealt else "one after another"
        return _of_counts(counts, _letters(rotation, schedule.axes), how)
    if 2 * sum(rotation.sections) != rotation.rotary_dim or min(rotation.sections, default=-1) < 0:
        return None
    letters = _letters(rotation, len(rotation.sections))
    if settings.value("order") == "hwt":  # ERNIE: height and width in turn, then time
        return _of_counts(rotation.sections, "hwt", "height and width in turn, then time")
    interleaved = settings.value("interleaved_sections") is True
    how = "interleaved" if interleaved else "one after another"
    return _of_counts(rotation.sections, letters, how)


def order_words(rotation: DeclaredRotation, order: AxisOrder, axes: Tensor) -> str:
    """In words, how pairs turn with other axes than the declared ones; empty where they do not.

    Args:
        rotation: one with axes.
        order: that it declares.
        axes: of each pair, as measured, (P,), int64.
    """
    if torch.equal(order.axes, axes):
        return ""
    pair = int((order.axes != axes).nonzero()[0])
    turns, belongs = order.names[int(axes[pair])], order.names[int(order.axes[pair])]
    off = f"pair {pair} turns with {turns}, where {belongs} is declared"
    why = [words for words, second in _changes(rotation, order) if torch.equal(second, axes)]
    return f"{off}: {why[0]}" if why else off


def _letters(rotation: DeclaredRotation, axes: int) -> str:
    """The axes in the order in which their pairs stand; empty where they have no names."""
    return str(rotation.settings.value("order") or _ORDERS.get(axes, ""))


def _of_counts(counts: tuple[int, ...], letters: str, how: str) -> AxisOrder:
    """An order of so many pairs for each axis."""
    names = tuple(_NAMES[letter] for letter in "thw" if letter in letters)
    names = names or tuple(f"axis {number}" for number in range(len(counts)))
    places = [names.index(_NAMES[letter]) for letter in letters] or list(range(len(counts)))
    return AxisOrder(names, torch.tensor(places)[_stood_for(counts, how)], counts, how)


def _stood_for(counts: Sequence[int], how: str) -> Tensor:
    """The number of the section that each pair belongs to, (P,)."""
    if how == "interleaved":
        return _interleaved(counts)
    if how == "dealt in turn":
        return torch.arange(len(counts)).repeat(counts[0])
    if how == "height and width in turn, then time":
        return torch.cat((torch.arange(2).repeat(counts[0]), torch.full((counts[2],), 2)))
    return _blocks(counts)


def _blocks(counts: Sequence[int]) -> Tensor:
    """Section after section, as in Qwen2-VL."""
    return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))  # (P,)


def _interleaved(counts: Sequence[int]) -> Tensor:
    """Dealt t, h, w, t, h, w, and time takes the rest, as in Qwen3-VL."""
    axes, number = torch.zeros(sum(counts), dtype=torch.int64), len(counts)  # (P,)
    for axis, section in enumerate(counts[1:], 1):
        axes[axis : number * section : number] = axis
    return axes


def _changes(rotation: DeclaredRotation, order: AxisOrder) -> Iterator[tuple[str, Tensor]]:
    """Yield what the axes may have been taken for, (P,) each."""
    counts, pairs = order.counts, len(order.axes)
    name = key_name(rotation.settings, "sections") if rotation.sections else "the definition"
    key = f"{name} is {counts}, and " if rotation.sections else ""
    for axis, axis_name in enumerate(order.names):
        words = f"{name} is ignored: all pairs turn with {axis_name}"
        yield words, torch.full_like(order.axes, axis)
    if order.how != "one after another":
        yield (
            f"{key}its pairs are taken one after another, where they are {order.how}",
            _blocks(counts),
        )
    if order.how != "interleaved" and rotation.sections:
        yield (
            f"{key}its pairs are interleaved, where they stand one after another",
            _interleaved(counts),
        )
    if order.how != "dealt in turn" and len(set(counts)) == 1:
        yield "the axes are dealt to the pairs in turn", _stood_for(counts, "dealt in turn")
    yield (
        f"{key}it is doubled: lanes are counted for pairs",
        _blocks([2 * n for n in counts])[:pairs],
    )
    for places in permutations(range(len(order.names))):
        names = ", ".join(order.names[place] for place in places)
        yield f"{key}the axes are exchanged: {names}", torch.tensor(places)[order.axes]
        lengths = tuple(counts[place % len(counts)] for place in places)
        if sum(lengths) == pairs:
            yield f"{key}it is taken in the order {lengths}", _blocks(lengths)
