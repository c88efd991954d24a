"""Frequencies, schedule and reach in context of functions and modules that compute their angles themselves."""

from dataclasses import dataclass, field, replace

import msgspec
import torch
from torch import Tensor

from rotcheck.convention import Convention, coordinates, role_of
from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.frequency_fit import Fit, fit
from rotcheck.identify.angles.length_dependence import first_change, follow_offset_alone
from rotcheck.identify.angles.measured_angles import (
    ALIKE,
    NEAR,
    PROBE_POSITIONS,
    Angles,
    end_known,
    measure_angles,
    wrap,
)
from rotcheck.identify.angles.object_config import ObjectConfig, config_of
from rotcheck.identify.angles.schedule_faults import (
    SCALED,
    amplitude_missing,
    exchanged_bands,
    growing_frequencies,
    length_change,
    long_factors,
    not_dynamic,
)
from rotcheck.identify.calling.match import Match
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import POSITIONS
from rotcheck.results import Ambiguity, Remark, Told
from rotcheck.rotary.departures import departure
from rotcheck.rotary.schedules import Linear, OverHeadDim, Plain, Proportional

GIVEN = Plain()  # whose frequencies a function is handed that asks for them
AS_GIVEN = "the frequencies that it is handed"


@dataclass(slots=True)
class OwnAngles:
    """What the angles say."""

    convention: Convention
    positions: tuple[int, ...]  # that it can be asked for
    remarks: list[Remark] = field(default_factory=list)
    evidence: list[Told] = field(default_factory=list)
    ambiguous: list[Ambiguity] = field(default_factory=list)
    schedule: str | None = None
    theta: float | None = None
    longest: int | None = None
    apart: bool = False  # its rows are no positions that others have: it cannot be judged like them
    attention: bool = False  # what comes back is scaled as its schedule asks
    doubt: str | None = None  # why it is not understood, whatever is right with it


def of_applied(found: Match) -> OwnAngles:
    """Read the angles of a function that rotates by itself."""
    if found.reading.angles is not None and _reshaped(found.reading.angles):
        words = (
            "its angles are reshaped where they had to be transposed: each pair has those of others"
        )
        rows = "every row and pair of the probe has the angle that lies there when (pairs, rows) is reshaped"
        return OwnAngles(found.convention, (0, 1, 2, 3), [remark("angles-reshaped", words, rows)])
    seen, changed = measure_angles(found)
    other = first_change(seen) if found.convention.positions == "offset" else None
    if other is not None:
        seen, changed = {at: angles for at, angles in seen.items() if at < other}, other
    direction = found.convention.direction
    # it takes as many rows as the probe has, and no others
    if not seen and found.reading.angles is not None:
        seen = dict(enumerate(direction * found.reading.angles))
    made, parts = _fitted(seen, direction, found)
    last = max(seen) if max(seen) < PROBE_POSITIONS[-1] else None
    convention = replace(_with(found.convention, made, parts), last_position=last)
    right = tuple(position for position in POSITIONS if position <= min(made.longest, max(seen)))
    own = OwnAngles(convention, right or (0, 1, 2, 3), longest=made.longest)
    add_schedule(own, made, max(seen))
    known = config_of(found.caller.function)
    own.remarks += [length_change(changed, known)] if changed else not_dynamic(known, max(seen))
    own.doubt = own.doubt or (follow_offset_alone(found, seen, changed) if changed else None)
    own.remarks += long_factors(made)
    own.doubt = (own.apart and growing_frequencies(seen, direction, known.theta)) or own.doubt
    _tell_attention(own, made, found.reading.amplitude, known)
    own.doubt = own.doubt or (contradiction(made, known, None, max(seen)) if parts == 1 else None)
    own.doubt = own.doubt or _behind(found, made, known)
    if parts > 1:
        own.schedule = (
            f"Axial, for each of {parts} coordinates {own.schedule or 'no known schedule'}"
        )
        own.evidence[0] = msgspec.structs.replace(own.evidence[0], says=own.schedule)
    if "inv_freq" in map(role_of, convention.arguments) and own.theta == GIVEN.theta:
        own.schedule, own.theta, own.doubt = AS_GIVEN, None, None
        own.evidence[0] = msgspec.structs.replace(own.evidence[0], says=AS_GIVEN)
    add_offset(own, seen, made, direction)
    own.evidence += [] if end_known(found) else [no_end()]
    return own


def _behind(found: Match, made: Fit, known: ObjectConfig) -> str | None:
    """Return that as many lanes turn as it says, and not those in front."""
    lanes, reach = (
        known.number("rotary_dim", "rope_dim", "rot_dim", "rotary_ndims", "n_rot"),
        found.reading.rotary_dim,
    )
    if (
        lanes is None
        or lanes != 2 * made.turning
        or lanes > reach // 2
        or found.reading.pairing != "half"
    ):
        return None
    return (
        f"it says rotary_dim {lanes:g}, and pairs lane 0 with lane {reach // 2}, outside of the first {lanes:g} lanes: "
        f"within these its partner is lane {lanes / 2:g}"
    )


def _tell_attention(own: OwnAngles, made: Fit, amplitude: float, known: ObjectConfig) -> None:
    """Notice an attention factor, which no rotation has and a schedule may ask for."""
    asked = made.schedule.attention_factor if made.schedule else 1.0
    if abs(amplitude - 1) < SCALED:
        own.doubt = own.doubt or amplitude_missing(made.schedule, 1.0, known)
        return
    name = known.holder(amplitude)
    if abs(amplitude / asked - 1) > SCALED and name is None:
        return
    own.attention = True
    whose = (
        "the attention factor of its schedule"
        if abs(amplitude / asked - 1) < SCALED
        else f"its `{name}`"
    )
    words = f"scales q and k by {amplitude:.6g}, {whose}"
    own.remarks.append(remark("amplitude", words, "the length of a turned pair", mistake=False))
    own.doubt = f"{words}: its values were not held against float64, which knows rotations alone"


def no_end() -> Told:
    """Return why it was asked for no position further off."""
    seen = "it does not run on the CPU, and elsewhere an index past the end of a table may end the process"
    return Told(field="context", says=f"asked for positions up to {NEAR} only", because=seen)


def _reshaped(angles: Tensor) -> bool:
    """Return whether angles (S, P) are those of (P, S), reshaped: steady from row to row only when that is undone."""
    rows, pairs = angles.shape
    return not _steady(angles) and _steady(angles.reshape(pairs, rows).T)


def _steady(angles: Tensor) -> bool:
    """Return whether angles (S, P) grow by the same from each row to the next, and by something."""
    steps = torch.arange(len(angles), dtype=angles.dtype)[:, None]  # (S, 1)
    off = wrap(angles - steps * wrap(angles[1])).abs().max()
    return bool(off < 1e-3) and bool(angles[1].abs().max() > 1e-3)


def _fitted(seen: Angles, direction: int, found: Match) -> tuple[Fit, int]:
    """Return the fit of the angles, and to how many coordinates with a row of frequencies each they belong."""
    known = config_of(found.caller.function).schedules()
    whole = fit(seen, direction, found.caller.probe.width, known=known)
    parts = coordinates(found.convention.position_axes) or 1
    pairs = len(whole.frequencies)
    if parts == 1 or pairs % parts or whole.schedule:
        return whole, 1
    width = pairs // parts
    each = [
        fit(
            {at: angles[first : first + width] for at, angles in seen.items()}, direction, 2 * width
        )
        for first in range(0, pairs, width)
    ]
    alike = all(torch.allclose(one.frequencies, each[0].frequencies, rtol=1e-4) for one in each)
    return (each[0], parts) if alike else (whole, 1)


def _with(convention: Convention, made: Fit, parts: int) -> Convention:
    if parts == 1 and isinstance(made.schedule, Plain) and made.turning == len(made.frequencies):
        return replace(convention, theta=made.schedule.theta)
    return replace(convention, frequencies=parts * tuple(float(each) for each in made.frequencies))


def add_schedule(own: OwnAngles, made: Fit, last: int) -> None:
    """Add schedule, alternatives and what they mean."""
    own.schedule = str(made.schedule) if made.schedule else None
    own.theta = getattr(made.schedule, "theta", None)
    shown = f"angles of all pairs at positions up to {last}: worst departure {made.departure:.0e}"
    own.evidence.append(
        Told(field="theta", says=own.schedule or "no known schedule", because=shown)
    )
    if made.alternatives:
        every = (own.schedule or "", *map(str, made.alternatives))
        own.ambiguous.append(
            Ambiguity(
                field="schedule", possible=every, why="frequencies alone cannot tell these apart"
            )
        )
    if isinstance(made.schedule, OverHeadDim):
        own.remarks.append(
            remark(
                "over-head-dim",
                "takes its frequencies over head_dim and not over rotary_dim",
                shown,
            )
        )
    if isinstance(made.schedule, Linear) and abs(made.schedule.factor - 0.5) < 1e-4:
        own.remarks.append(remark("rotated-twice", "rotates twice, or by twice the angle", shown))
    if made.schedule is None:
        _tell_unknown(own, made)
    if made.turning <= len(made.frequencies) // 4 and not _proportional(made):
        words = f"only {made.turning} of {len(made.frequencies)} pairs turn at all"
        own.remarks.append(remark("frequencies", words, shown))
    if made.wrong_at is None:
        says = f"right up to position {made.longest}, the last asked for or taken"
        seen = f"phase at most {made.error:.1e} rad off"
        own.evidence.append(Told(field="context", says=says, because=seen))
    else:
        _tell_departure(own, made)


def _proportional(made: Fit) -> bool:
    """Return whether pairs stand still by design."""
    return any(isinstance(one, Proportional) for one in (made.schedule, *made.alternatives))


def _tell_unknown(own: OwnAngles, made: Fit) -> None:
    if len(made.frequencies) == 1 and abs(float(made.frequencies[0]) - 1) < ALIKE:
        return  # a single pair turns by 1 in every schedule
    own.remarks += exchanged_bands(made)
    own.doubt = f"its frequencies follow no known schedule: {departure(made.frequencies).words}"


def _tell_departure(own: OwnAngles, made: Fit) -> None:
    seen = f"right up to position {made.longest}"
    if made.why:
        words = f"at position {made.wrong_at} its phase is {made.error:.2g} rad off: {made.why}"
        own.remarks.append(remark("row-past-table" if made.past else "phase", words, seen))
        return
    own.apart = True
    words = f"its angles do not grow with the row beyond position {made.longest}: a grid, or positions of its own"
    own.doubt = words
    own.remarks.append(remark("own-positions", words, seen, mistake=False))


def add_offset(own: OwnAngles, seen: Angles, made: Fit, direction: int) -> int:
    """Notice a first position that turns already; return as which other position, 0: as none."""
    zero = seen.get(0)
    if zero is None or float(zero.abs().max()) < 1e-5:
        return 0
    first = next((pair for pair, frequency in enumerate(made.frequencies.tolist()) if frequency), 0)
    by = round(float(zero[first]) * direction / (float(made.frequencies[first]) or 1.0))
    shown = f"pair {first} turns by {float(zero[first]):.4g} rad at position 0"
    whole = wrap(zero * direction - by * made.frequencies).abs().max() < 1e-2  # all pairs
    if by and bool(whole) and made.schedule is not None and not own.apart:
        own.remarks.append(
            remark("offset", f"position 0 is turned as position {by} should be", shown)
        )
        return by
    own.doubt = f"position 0 turns already ({shown}), and as no other position should: its rows are no places in a row"
    return 0
