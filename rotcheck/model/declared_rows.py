"""What a configuration declares, beside what the model was seen to do."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from rotcheck.model.axis_pass import NoAxisPositions
from rotcheck.model.axis_rows import AxisWitness, SeenAxes, grid_of, seen_in_grid
from rotcheck.model.declared.axis_order import AxisOrder, axis_order
from rotcheck.model.declared.declared_rotation import (
    DeclaredRotation,
    at_length,
    declared_rotation,
)
from rotcheck.model.declared.rotation_difference import rotation_difference
from rotcheck.model.grid_steps import STILL, GridSteps
from rotcheck.model.judged_call import JudgedCall
from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.model.model_rows import ModelObservation
from rotcheck.model.module_layers import suits
from rotcheck.model.turn_angles import NARROW, NOISE
from rotcheck.model.turn_fit import EXACT, TurnFit
from rotcheck.results import DeclaredRow
from rotcheck.rotary.schedules import Axial, AxisRows, Schedule


def schedules_of(rotations: Sequence[DeclaredRotation], length: int) -> tuple[Schedule, ...]:
    """The schedules that are declared, as they are for a sequence of this length."""
    return tuple(
        at_length(rotation.schedule, length) for rotation in rotations if rotation.schedule
    )


def declared_rows(
    observation: ModelObservation,
    rotations: Sequence[DeclaredRotation],
    config: Mapping[str, Any],
    axes: AxisWitness | None = None,
) -> Iterator[DeclaredRow]:
    """Yield the rows of each rotation that is declared and was seen to run, or is not understood.

    Args:
        observation: of one pass.
        rotations: what the configuration declares.
        config: the whole configuration.
        axes: to call the model with other positions on each axis; None: it is not called again.
    """
    for rotation in rotations:
        turns = _turns(observation.calls, rotation, rotations)
        rotation = _on_grid(rotation, turns)
        if rotation.schedule is None:
            yield _of_obstacle(rotation, turns)
        elif not turns:
            if _covers_all(rotation, rotations):
                words = "no rotation was seen in these layers"
                yield declared_row(rotation, "nothing", "unidentified", message=words)
        else:
            yield from _of_rotation(rotation, turns, config, observation, axes, rotations)


def _of_obstacle(rotation: DeclaredRotation, turns: Sequence[JudgedTurn]) -> DeclaredRow:
    """The row of a rotation that cannot be, or is not understood."""
    lanes = rotation.rotary_dim or 0
    if turns and lanes % 2:
        words = f"{lanes} lanes are declared, which are no pairs: {turns[0].tensor.turn.lanes} turn"
        return declared_row(rotation, _done(turns[0]), "disagrees", finding="config", message=words)
    verdict = "skipped" if rotation.settings.value("unknown") else "unidentified"
    return declared_row(rotation, "", verdict, message=f"not understood: {rotation.obstacle}")


def _turns(
    calls: Iterable[JudgedCall], rotation: DeclaredRotation, rotations: Sequence[DeclaredRotation]
) -> list[JudgedTurn]:
    return [turn for call in calls if is_of(call, rotation, rotations) for turn in call.turns]


def _on_grid(rotation: DeclaredRotation, turns: Sequence[JudgedTurn]) -> DeclaredRotation:
    """A rotation by fractions of an image, for the image that was seen."""
    sides = next((turn.fit.steps.sides for turn in turns if turn.fit.steps), None)
    if sides is None or not rotation.settings.value("fractions"):
        return rotation
    return declared_rotation(rotation.settings.change(sides=list(sides)))


def _of_rotation(
    rotation: DeclaredRotation,
    turns: Sequence[JudgedTurn],
    config: Mapping[str, Any],
    observation: ModelObservation,
    axes: AxisWitness | None,
    rotations: Sequence[DeclaredRotation],
) -> Iterator[DeclaredRow]:
    """Yield the rows of a rotation: of its frequencies, and of its axes where it has some."""
    length, order = observation.forward.length, axis_order(rotation)
    scores = _score_scales(observation)
    if order is None:
        yield from _compared(rotation, turns, config, length, scores)
        if rotation.sections:
            words = f"{sum(rotation.sections)} pairs in sections, of {rotation.rotary_dim} lanes"
            yield declared_row(rotation, "", "skipped", "axes", message=words)
        return
    flat, seen_axes, why = _apart(rotation, order, axes, length, rotations)
    if not flat and _is_axial(rotation):
        # a text beside it is in none
        grids = [grid for turn in turns if (grid := grid_of(turn, order))]
        none = seen_in_grid(None, order)
        seen_axes = [seen_in_grid(grid, order) for grid in grids] or [none]
    known_turns = any(turn.fit.kind == "rows" for turn in turns)
    turns = turns if known_turns or not flat else flat
    yield from _compared(rotation, turns, config, length, scores)
    if why and not seen_axes:
        yield declared_row(rotation, "", "skipped", "axes", str(order), message=why)
    yield from _of_axes(rotation, order, seen_axes)


def _apart(
    rotation: DeclaredRotation,
    order: AxisOrder,
    axes: AxisWitness | None,
    length: int,
    rotations: Sequence[DeclaredRotation],
) -> tuple[list[JudgedTurn], list[SeenAxes], str]:
    """How the layers of a rotation turn while all axes have the same positions, and with which
    axes; or why they cannot have others."""
    if axes is None or (_is_axial(rotation) and not axes.has_places):
        return [], [], "the model is not called with other positions"
    try:
        calls = list(axes.seen_calls(rotation, order, schedules_of([rotation], length)))
    except NoAxisPositions as error:
        return [], [], str(error)
    calls = [(call, seen_axes) for call, seen_axes in calls if is_of(call, rotation, rotations)]
    turns = [turn for call, _ in calls for turn in call.turns]
    none = SeenAxes(order.axes, "where positions differ from axis to axis, nothing is turned")
    return turns, [axis for _, seen_axes in calls for axis in seen_axes] or [none], ""


def _is_axial(rotation: DeclaredRotation) -> bool:
    """Whether it turns by places in an image, and not by positions that it is handed."""
    return isinstance(rotation.schedule, Axial | AxisRows)


def _of_axes(
    rotation: DeclaredRotation, order: AxisOrder, seen_axes: Iterable[SeenAxes]
) -> Iterator[DeclaredRow]:
    """Yield a row for each way in which pairs turn with axes; one of all that do as declared."""
    rows: dict[str, DeclaredRow] = {}
    for axes in seen_axes:
        fields = axes.fields(rotation, order)
        row = declared_row(
            rotation, fields.pop("done"), fields.pop("verdict"), "axes", str(order), **fields
        )
        same = "" if row.verdict == "agrees" else f"{row.done} {row.message}"
        rows.setdefault(same, row)
    yield from rows.values()


def declared_alone(rotations: Sequence[DeclaredRotation]) -> Iterator[DeclaredRow]:
    """Yield a row for each rotation that a file declares which holds no model that runs here."""
    for rotation in rotations:
        nothing = "nothing was run: this file only declares a model"
        words = rotation.obstacle or rotation.settings.doubt or nothing
        yield declared_row(rotation, "", "skipped", message=words)


def _compared(
    rotation: DeclaredRotation,
    turns: Sequence[JudgedTurn],
    config: Mapping[str, Any],
    length: int,
    scores: Mapping[int, float],
) -> Iterator[DeclaredRow]:
    """Yield a row for each way in which these layers turn."""
    order = axis_order(rotation)
    grids = [turn for turn in turns if _is_axial(rotation) and grid_of(turn, order)]
    # a text beside an image turns along one axis, as in Lumina 2
    known_turns = grids or [turn for turn in turns if turn.fit.kind == "rows"]
    if not known_turns and all(turn.fit.kind == "grid" for turn in turns):
        words = "turns by the places of a grid, and no axes are declared"
        yield declared_row(rotation, "", "skipped", message=words)
    elif not known_turns:
        yield declared_row(
            rotation, "", "unidentified", message="its angles follow no known positions"
        )
    rows: dict[str, DeclaredRow] = {}
    for turn in known_turns:
        row = _of_turn(rotation, turn, config, length, scores.get(id(turn.tensor)))
        rows.setdefault(row.message or "", row)
    yield from rows.values()


def _score_scales(observation: ModelObservation) -> dict[int, float]:
    """How many times 1 / sqrt(D) the scores of an attention are multiplied with, by the ids of the
    turns that entered it."""
    return {
        id(slot.turn): entry.call.scale * entry.call.q.shape[-1] ** 0.5
        for entry in observation.inputs
        if entry.call.scale is not None
        for slot in (entry.q, entry.k)
        if slot.state == "turned"
    }


def _of_turn(
    rotation: DeclaredRotation,
    turn: JudgedTurn,
    config: Mapping[str, Any],
    length: int,
    scores: float | None,
) -> DeclaredRow:
    frequencies, noise = turn.fit.frequencies, _noise(turn, length)
    if _is_axial(rotation) and (steps := grid_of(turn, axis_order(rotation))):
        frequencies, noise = _moved(steps, rotation.frequencies(length)), steps.noise
    amplitude = _amplitude(turn, rotation.amplitude)
    difference = rotation_difference(
        rotation, config, frequencies, amplitude, length, noise, scores=scores
    )
    if difference.agrees:
        return declared_row(rotation, _done(turn, rotation.schedule), "agrees")
    fields: dict[str, Any] = {"parts_at": difference.position, "message": str(difference)}
    words = _done(turn) + ("" if difference.position else ", scaled otherwise")
    return declared_row(rotation, words, "disagrees", finding="config", **fields)


def _moved(steps: GridSteps, right: Tensor) -> Tensor:
    """The frequencies along the axes of a grid; of pairs whose axis has one place, say, the right
    ones."""
    if len(right) != len(steps.axes):
        return steps.frequencies
    return steps.frequencies.where(steps.axes != STILL, right)


def _noise(turn: JudgedTurn, length: int) -> float:
    """Radians a position by which a frequency may be off as measured: none of a schedule's, and the
    rounding of an angle over the last position of others."""
    if _is_of_schedule(turn.fit):
        return 0.0
    rounding = turn.angles.noise if turn.angles.noise > NOISE else EXACT
    return rounding / max(length - 1, 1)


def _is_of_schedule(fit: TurnFit) -> bool:
    """Whether the frequencies are those of the schedule, and not measured ones that are near."""
    if fit.schedule is None:
        return False
    right = fit.schedule.inverse_frequencies(2 * len(fit.frequencies))  # (P,)
    return bool(((fit.frequencies - right).abs() <= 1e-9 * right).all())


def _amplitude(turn: JudgedTurn, right: float) -> float:
    """What cos and sin are multiplied with; the right number where rounding hides the rest."""
    amplitude, dtype = turn.tensor.turn.amplitude, turn.tensor.before.dtype
    rounding = torch.finfo(dtype).eps / 2 if dtype in NARROW else 0.0
    return right if abs(amplitude - right) <= rounding * right else amplitude


def _done(turn: JudgedTurn, right: Schedule | None = None) -> str:
    """What a tensor turns by; `right`: what explains a grid."""
    schedule = turn.fit.schedule or (right if turn.fit.kind == "grid" else None)
    return f"{schedule or 'no known schedule'}, {turn.tensor.turn.lanes} lanes"


def is_of(
    call: JudgedCall, rotation: DeclaredRotation, rotations: Collection[DeclaredRotation]
) -> bool:
    """Whether a call belongs to the layers of a rotation, of those that are declared."""
    if rotation.layers and call.layers and rotation.layers != call.layers:
        return False
    if call.part != rotation.part and call.part in {other.part for other in rotations}:
        return False
    if call.part and call.part == rotation.part:
        return True
    return suits(rotation.part, call.record.owner)


def _covers_all(rotation: DeclaredRotation, rotations: Sequence[DeclaredRotation]) -> bool:
    return not rotation.layers and len(rotations) == 1


def declared_row(
    rotation: DeclaredRotation,
    done: str,
    verdict: Any,
    what: str = "",
    declared: str = "",
    **fields: Any,
) -> DeclaredRow:
    """A row of a rotation's frequencies, or of `what` else is `declared`: the order of its axes."""
    lanes = f", {rotation.rotary_dim} lanes" if rotation.rotary_dim else ""
    layers = ", ".join(filter(None, (rotation.part, rotation.layers, what)))
    frequencies = f"{rotation.schedule}{lanes}" if rotation.schedule else ""
    return DeclaredRow(
        layers=layers,
        declared=declared if what else frequencies,
        done=done,
        keys={path: str(value) for path, value in rotation.keys.items()},
        verdict=verdict,
        **fields,
    )
