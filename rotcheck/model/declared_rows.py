"""What a configuration declares, beside what the model was seen to do."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rotcheck.model.declared.declared_rotation import DeclaredRotation, at_length
from rotcheck.model.declared.rotation_difference import rotation_difference
from rotcheck.model.judged_call import JudgedCall
from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.model.model_rows import ModelObservation
from rotcheck.model.turn_angles import NOISE
from rotcheck.model.turn_fit import EXACT
from rotcheck.results import DeclaredRow
from rotcheck.rotary.schedules import Schedule

_SENSES = {"vision": r"vis|image", "audio": r"audio|speech|sound"}


def schedules_of(declared: Sequence[DeclaredRotation], length: int) -> tuple[Schedule, ...]:
    """The schedules that are declared, as they are for a sequence of this length."""
    return tuple(at_length(rotation.schedule, length) for rotation in declared if rotation.schedule)


def declared_rows(
    observation: ModelObservation, declared: Sequence[DeclaredRotation], config: Mapping[str, Any]
) -> Iterator[DeclaredRow]:
    """Yield a row for each rotation that is declared and was seen to run, or is not understood.

    Args:
        observation: of one pass.
        declared: what the configuration declares.
        config: the whole configuration.
    """
    for rotation in declared:
        turns = [
            turn for call in observation.calls if _is_of(call, rotation) for turn in call.turns
        ]
        if rotation.schedule is None:
            yield _row(rotation, "", "unidentified", message=f"not understood: {rotation.unknown}")
        elif not turns:
            if _covers_all(rotation, declared):
                words = "no rotation was seen in these layers"
                yield _row(rotation, "nothing", "unidentified", message=words)
        else:
            yield from _compared(rotation, turns, config, observation.forward.length)


def declared_alone(declared: Sequence[DeclaredRotation]) -> Iterator[DeclaredRow]:
    """Yield a row for each rotation that a file declares which holds no model that runs here."""
    for rotation in declared:
        words = rotation.unknown or "nothing was run: this file only declares a model"
        yield _row(rotation, "", "skipped", message=words)


def _compared(
    rotation: DeclaredRotation,
    turns: Sequence[JudgedTurn],
    config: Mapping[str, Any],
    length: int,
) -> Iterator[DeclaredRow]:
    """Yield a row for each way in which these layers turn."""
    known = [turn for turn in turns if turn.fit.kind == "rows"]
    if not known:
        if all(turn.fit.kind == "grid" for turn in turns):
            words = "turns by the places of a grid: not compared with what is declared"
            yield _row(rotation, "", "skipped", message=words)
        else:
            yield _row(rotation, "", "unidentified", message="its angles follow no known positions")
    rows: dict[str, DeclaredRow] = {}
    for turn in known:
        row = _of_turn(rotation, turn, config, length)
        rows.setdefault(row.message or "", row)
    yield from rows.values()


def _of_turn(
    rotation: DeclaredRotation, turn: JudgedTurn, config: Mapping[str, Any], length: int
) -> DeclaredRow:
    frequencies = turn.fit.frequencies
    difference = rotation_difference(
        rotation, config, frequencies, turn.tensor.turn.amplitude, length, _noise(turn, length)
    )
    if difference.agrees:
        return _row(rotation, _done(turn), "agrees")
    words = {"parts_at": difference.position, "message": str(difference)}
    return _row(rotation, _done(turn), "disagrees", finding="config", **words)


def _noise(turn: JudgedTurn, length: int) -> float:
    """Radians a position by which a frequency may be off as measured: none of a schedule's, and the
    rounding of an angle over the last position of those that follow none."""
    if turn.fit.schedule is not None:
        return 0.0
    rounding = turn.angles.noise if turn.angles.noise > NOISE else EXACT
    return rounding / max(length - 1, 1)


def _done(turn: JudgedTurn) -> str:
    schedule = turn.fit.schedule
    return f"{schedule or 'no known schedule'}, {turn.tensor.turn.lanes} lanes"


def _is_of(call: JudgedCall, rotation: DeclaredRotation) -> bool:
    """Whether a call belongs to the layers of a rotation."""
    if rotation.layers and call.layers and rotation.layers != call.layers:
        return False
    owner = call.record.owner.lower()
    part = next((sense for sense in _SENSES if sense in rotation.part), "")
    senses = [sense for sense, words in _SENSES.items() if re.search(words, owner)]
    return part in senses if part else not senses


def _covers_all(rotation: DeclaredRotation, declared: Sequence[DeclaredRotation]) -> bool:
    return not rotation.layers and len(declared) == 1


def _row(rotation: DeclaredRotation, done: str, verdict: Any, **fields: Any) -> DeclaredRow:
    lanes = f", {rotation.rotary_dim} lanes" if rotation.rotary_dim else ""
    layers = ", ".join(filter(None, (rotation.part, rotation.layers)))
    return DeclaredRow(
        layers=layers,
        declared=f"{rotation.schedule}{lanes}" if rotation.schedule else "",
        done=done,
        keys={path: str(value) for path, value in rotation.keys.items()},
        verdict=verdict,
        **fields,
    )
