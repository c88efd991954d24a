"""By which frequencies a model turns in long sequences: run there, where that can be done."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property
from typing import Any

import torch
from torch import Tensor

from rotcheck.errors import first_line
from rotcheck.model.against.layer_rotation import LengthFrequencies
from rotcheck.model.declared.declared_rotation import at_length
from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.model.sequences.evidence.far_pass import witnessed_pass
from rotcheck.model.sequences.evidence.token_angles import RowAngles, TurnPlace, row_angles
from rotcheck.model.sequences.evidence.token_call import LENGTH, StateCall, TokenCall
from rotcheck.model.sequences.way import NotComparable, WayClosed, WaySubject
from rotcheck.model.table_reach import TableReach
from rotcheck.model.turn_angles import NOISE
from rotcheck.model.turn_fit import EXACT, PHASE, fit_rows
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.schedules import DynamicNtk, LongRope, Schedule

LONGEST_RUN = 4096  # tokens, where a model takes no positions
MOST_NUMBERS = 1 << 27  # that such a run may return: tokens times words
UNSURE = 1.0  # radians: a pair that may be off by more may have turned once more, or once less
FAILURES = (RuntimeError, ValueError, IndexError, TypeError, AssertionError, KeyError)


class FarRuns:
    """Runs of a model at the end of long sequences.

    `subject`: the model, and its one pass. `vocabulary`: how many numbers it returns a token.
    """

    def __init__(self, subject: WaySubject, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self.subject = subject
        self._call = _call(subject)
        self.angles = cache(self._angles)

    @cached_property
    def owners(self) -> set[str]:
        """The modules that call what turns q and k, whether it was seen to turn there or not."""
        subject = self.subject
        records, _ = witnessed_pass(subject, subject.module, subject.inputs)
        return {record.owner for record in records}

    def _angles(self, length: int) -> tuple[RowAngles | None, str]:
        """The angles of the last tokens of a sequence of this length, and why they are not known;
        None and no words: it cannot be run there, whatever it would do."""
        if self._call is None:
            return None, ""
        angles, why = self._at_positions(self._call, length)
        if angles is not None or why:
            return angles, why
        return self._whole(self._call, length)

    def _at_positions(self, call: TokenCall, length: int) -> tuple[RowAngles | None, str]:
        """The angles of a few tokens at the last positions; a refusal that near positions do not
        meet is one of this length."""
        try:
            far, near = (call.row_positions(start) for start in (length - LENGTH, 0))
        except WayClosed:
            return None, ""
        try:
            return self._run(call, LENGTH, far), ""
        except FAILURES as error:
            why = f"position {length - 1} raises {type(error).__name__}: {first_line(error)}"
        except NotComparable:
            return None, ""
        try:
            self._run(call, LENGTH, near)
        except (*FAILURES, NotComparable):
            return None, ""
        return None, why

    def _whole(self, call: TokenCall, length: int) -> tuple[RowAngles | None, str]:
        """The angles of the last tokens of a whole sequence, where it is not too long."""
        if length > LONGEST_RUN or length * self.vocabulary > MOST_NUMBERS:
            return None, ""
        try:
            return self._run(call, length, {}), ""
        except FAILURES as error:
            return None, f"{length} tokens raise {type(error).__name__}: {first_line(error)}"
        except NotComparable:
            return None, ""

    def _run(self, call: TokenCall, tokens: int, arguments: Mapping[str, Any]) -> RowAngles:
        angles = call.run(call.rows(1, tokens), **arguments).angles
        return row_angles(angles, 0, slice(-LENGTH, None))


def _call(subject: WaySubject) -> TokenCall | None:
    """How the model is called with tokens, or a layer with their states; None: with neither."""
    for kind in (TokenCall, StateCall):
        with suppress(WayClosed, NotComparable):
            return kind(subject)
    return None


def far_frequencies(
    turn: JudgedTurn,
    place: TurnPlace | None,
    length: int,
    runs: FarRuns,
    reaches: Sequence[TableReach],
    schedules: Sequence[Schedule],
) -> LengthFrequencies:
    """The frequencies by which a tensor turns at the end of a sequence of this length.

    Args:
        turn: as it was in the one pass.
        place: where in the model; None: not known.
        length: tokens.
        runs: of the model.
        reaches: what its makers of tables turn by.
        schedules: schedules that its configuration declares.
    """
    angles, why = runs.angles(length)
    if angles is not None and place is not None and place in angles:
        return _far_measurement(turn, angles[place], length, schedules)
    if why:
        return LengthFrequencies(length=length, source="", why=why)
    schedule = turn.fit.schedule
    for reach in reaches:
        if schedule and reach.fit.schedule == schedule and _reaches(reach, length):
            return known_frequencies(turn, length, "tables")
    if isinstance(schedule, DynamicNtk | LongRope):
        why = f"{schedule} depends on the length, and the model cannot be run there"
        return LengthFrequencies(length=length, source="", why=why)
    return known_frequencies(turn, length, "frequencies")


def _reaches(reach: TableReach, length: int) -> bool:
    """Whether tables were measured up to the end of a sequence of this length, and are right."""
    return reach.last >= length - 1 and reach.fit.wrong_at is None


def known_frequencies(turn: JudgedTurn, length: int, source: Any) -> LengthFrequencies:
    """The frequencies of the one pass, as those of a sequence of this length."""
    fit = turn.fit
    return LengthFrequencies(
        length=length,
        source=source,
        frequencies=tuple(fit.frequencies.tolist()),
        noise=0.0 if fit.schedule else fit_noise(turn),
        schedule=str(fit.schedule or ""),
    )


def fit_noise(turn: JudgedTurn) -> float:
    """Radians a position by which frequencies of no schedule may be off."""
    rows = turn.angles.angles.shape[1]
    return max(turn.fit.error, EXACT) / max(rows - 1, 1)


def _far_measurement(
    turn: JudgedTurn, rows: Tensor, length: int, schedules: Sequence[Schedule]
) -> LengthFrequencies:
    """What explains the angles (S, X, P) of the last rows of a sequence."""
    fit, size = turn.fit, len(rows)
    moving = rows[:, wrap(rows).abs().amax((0, 2)) > NOISE]  # v of a packed tensor stands still
    angles = torch.polar(torch.ones_like(moving), moving).mean(1).angle()  # (S, P)
    angles = angles[:, : len(fit.frequencies)]
    places = torch.arange(length - size, length).double()  # (S,)
    first = round(fit.first)  # of a model whose positions begin elsewhere
    near = _near_frequencies(fit.direction * angles, places + first, turn)
    if near is not None:
        near_ones = known_frequencies(turn, length, "run")
        noise = 0.0 if fit.schedule else EXACT / length + PHASE
        return LengthFrequencies(
            length=length,
            source="run",
            frequencies=near_ones.frequencies if fit.schedule else tuple(near.tolist()),
            noise=noise,
            schedule=near_ones.schedule,
        )
    candidates = [
        at_length(schedule, length) for schedule in (*schedules, fit.schedule) if schedule
    ]
    noise = turn.angles.noise
    far = fit_rows(angles[None], noise, places + first, turn.tensor.turn.width, candidates)
    if far.kind == "rows" and far.schedule and not far.finding:
        return LengthFrequencies(
            length=length,
            source="run",
            frequencies=tuple(far.frequencies.tolist()),
            schedule=str(far.schedule),
        )
    rows = fit.direction * angles - first * (angles[1] - angles[0])
    return LengthFrequencies(length=length, source="run", angles=tuple(map(tuple, rows.tolist())))


def _near_frequencies(angles: Tensor, places: Tensor, turn: JudgedTurn) -> Tensor | None:
    """The frequencies (P,) of the one pass, made more exact by angles (S, P) at far places (S,);
    None: these are those of others."""
    fit = turn.fit
    frequencies = fit.frequencies
    last = float(places[-1])
    if fit.schedule is None:
        if fit_noise(turn) * last > UNSURE:
            return None
        frequencies = frequencies + wrap(angles[-1] - last * frequencies) / last
    phases = places[:, None] * frequencies  # (S, P)
    narrow = turn.angles.noise if turn.angles.noise > NOISE else 0.0
    off = wrap(angles - phases).abs()
    return frequencies if bool((off <= EXACT + narrow + PHASE * phases.abs()).all()) else None
