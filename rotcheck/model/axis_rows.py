"""Which pair turns with which axis, beside what the configuration declares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.model.axis_pass import PLACES, AxisPass, axis_pass
from rotcheck.model.config_holders import part_of
from rotcheck.model.declared.axis_order import AxisOrder, axis_counts, order_words
from rotcheck.model.declared.declared_rotation import DeclaredRotation
from rotcheck.model.grid_angles import grid_angles
from rotcheck.model.grid_steps import STILL, GridSteps
from rotcheck.model.judged_call import JudgedCall
from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.model.module_layers import layer_type
from rotcheck.model.pair_axes import NO_AXIS, turn_by_axes
from rotcheck.rotary.schedules import Schedule
from rotcheck.witness.turning import Turn

LONGEST, FARTHEST = 4096, 32768  # of positions, where nothing says how far they go; and at most


@dataclass(frozen=True, slots=True)
class SeenAxes:
    """The axis of each pair of a tensor: `axes` (P,) int64, a place in the names of the declared
    ones, or under 0.

    `unclear`: in words, why they cannot be held against these; empty where they can.
    """

    axes: Tensor
    unclear: str = ""

    def fields(self, rotation: DeclaredRotation, order: AxisOrder) -> dict[str, Any]:
        """The fields of the row that says whether they are the declared ones."""
        if self.unclear:
            return {"done": "", "verdict": "unidentified", "message": self.unclear}
        is_told = self.axes >= 0
        axes = self.axes.where(is_told, order.axes)
        message = order_words(rotation, order, axes)
        rest = self._rest(order)
        if not message:
            return {"done": f"{order}{rest}", "verdict": "agrees"}
        done = f"{axis_counts(axes, order.names)} pairs{rest}"
        return {"done": done, "verdict": "disagrees", "finding": "config", "message": message}

    def _rest(self, order: AxisOrder) -> str:
        """What is not told."""
        slow = self.axes < 0
        places = [place for place in range(len(order.names)) if slow[order.axes == place].all()]
        names = " and ".join(order.names[place] for place in places)
        if names and int(slow.sum()) == sum(int((order.axes == place).sum()) for place in places):
            return f"; nothing moves along {names}"
        return f"; {int(slow.sum())} turn too little to tell" if bool(slow.any()) else ""


@dataclass(slots=True)
class AxisWitness:
    """A model, to be called with other positions on each axis.

    `inputs`: of a call that runs. `config`: what the module declares, as plain data.
    """

    module: Module
    inputs: Mapping[str, Any]
    config: Mapping[str, Any] | None
    _passes: dict[tuple[int, int], AxisPass] = field(default_factory=dict)

    @property
    def has_places(self) -> bool:
        """Whether the model is handed the places of an image's patches."""
        return set(PLACES) <= set(self.inputs)

    def seen_calls(
        self, rotation: DeclaredRotation, order: AxisOrder, candidates: Sequence[Schedule]
    ) -> Iterator[tuple[JudgedCall, list[SeenAxes]]]:
        """Yield each call that turns while axes have other positions: how, where they have the
        same, and with which axes.

        Raises `NoAxisPositions` where the model takes no positions for each axis.
        """
        axis_pass = self._run(rotation, order)
        for record in axis_pass.forward.witness.calls:
            turns = [turn_by_axes(record, tensor, axis_pass, candidates) for tensor in record.turns]
            call = JudgedCall(
                record,
                tuple(turn for turn, _ in turns),
                layer_type(record.owner, self.config),
                part=part_of(record.owner, axis_pass.forward.holders),
            )
            yield call, [_seen_apart(turn, axes, order) for turn, axes in turns]

    def _run(self, rotation: DeclaredRotation, order: AxisOrder) -> AxisPass:
        settings = rotation.settings
        limits = settings.number("original_length"), settings.number("longest")
        longest = min(int(next(filter(None, limits), LONGEST)), FARTHEST)
        key = len(order.counts), longest
        if key not in self._passes:
            self._passes[key] = axis_pass(self.module, self.inputs, *key)
        return self._passes[key]


def _seen_apart(turn: JudgedTurn, axes: Tensor, order: AxisOrder) -> SeenAxes:
    """The axes of a tensor, by positions that differ from axis to axis."""
    if turn.fit.kind != "rows":
        return SeenAxes(axes, "its angles follow no known positions")
    if len(axes) != len(order.axes):
        return SeenAxes(axes, f"{len(axes)} pairs turn, and {len(order.axes)} are declared")
    lost_pairs = (axes == NO_AXIS).nonzero().flatten().tolist()
    if lost_pairs:
        return SeenAxes(
            axes, f"pair {lost_pairs[0]} turns with none of the {len(order.names)} axes"
        )
    return SeenAxes(axes)


def grid_of(turn: JudgedTurn, order: AxisOrder | None) -> GridSteps | None:
    """How the pairs of a head turn that follow the places of a grid, be it along one side only."""
    steps = turn.fit.steps
    if steps is None and len(turn.angles.angles) == 1:
        grid = grid_angles(turn.angles.angles[0], max(10 * turn.angles.noise, 2e-3), flat=True)
        steps = grid.steps if grid else None
    return _in_head(steps, turn.tensor.turn, order) if steps and order else steps


def _in_head(steps: GridSteps, turn: Turn, order: AxisOrder) -> GridSteps:
    """The steps of all pairs of a head whose first axis, time, has one place: its pairs are none
    of those that turn."""
    count, first, pairs = len(steps.axes), turn.start // 2, len(order.axes)
    if turn.pairing != "interleaved" or turn.blocks > 1 or first + count > pairs:
        return steps
    is_seen = torch.zeros(pairs, dtype=torch.bool)
    is_seen[first : first + count] = True
    if len(order.names) != len(steps.sides) + 1 or bool((order.axes[~is_seen] != 0).any()):
        return steps
    axes = torch.full((pairs,), STILL)
    frequencies = torch.zeros(pairs, dtype=steps.frequencies.dtype)
    axes[is_seen], frequencies[is_seen] = steps.axes, steps.frequencies
    return replace(steps, axes=axes, frequencies=frequencies)


def seen_in_grid(steps: GridSteps | None, order: AxisOrder) -> SeenAxes:
    """The axes of a tensor whose rows are in a grid; None: they are in none."""
    none = torch.full_like(order.axes, STILL)
    if steps is None:
        return SeenAxes(none, "its angles follow no grid of places")
    first = len(order.names) - len(steps.sides)  # a single image stands still in time
    if not steps.in_order:
        return SeenAxes(none, "its patches are in no order that tells its axes apart")
    if len(steps.axes) != len(order.axes) or first not in (0, 1):
        return SeenAxes(none, f"it turns in a grid of {len(steps.sides)} axes")
    several = (steps.axes < STILL).nonzero().flatten().tolist()
    if several:
        return SeenAxes(none, f"pair {several[0]} turns with several axes")
    return SeenAxes((steps.axes + first).where(steps.axes >= 0, STILL))
