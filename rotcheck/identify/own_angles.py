"""Frequencies, schedule and reach in context of functions and modules that compute their angles themselves."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.identify import builders
from rotcheck.identify.engine import Found
from rotcheck.identify.frequencies import ASKED, Turned, fitted, turned, wrapped
from rotcheck.measure.case import POSITIONS
from rotcheck.results import Ambiguity, Described, Remark, Told
from rotcheck.rotary.conventions import Convention
from rotcheck.rotary.schedules import Linear, OverHeadDim, Plain, Recognition, Schedule, recognise

RIGHT = 1e-2  # radians: a phase further off is not right
MOST_ROWS = 4097  # of one that makes all rows up to a position; `rotcheck context` goes on
TOLERANCES = (2e-5, 1e-4, 1e-3, 2e-2)  # float32, and what narrower dtypes leave of frequencies
EXACT = 3  # positions up to which every dtype holds a position


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


Note = Callable[..., Remark]


@dataclass(frozen=True, slots=True)
class Fit:
    """The frequencies behind angles, the schedule that gives them, and where the angles leave it."""

    frequencies: Tensor  # (P,), of the schedule where one is known
    schedule: Schedule | None
    alternatives: tuple[Schedule, ...]
    departure: float
    turning: int  # pairs that turn
    wrong_at: int | None  # the first position asked for whose phase is not right
    error: float  # radians there, or the largest
    longest: int  # the largest position asked for up to which all are right
    why: str = ""  # what was rounded, or which other position it takes this one for; empty: nothing known


def fit(seen: Turned, direction: int, head_dim: int | None, noise: float = 0.0) -> Fit:
    """Fit the angles seen at each position; `noise`: what the dtype of a table may hide of an angle, in radians.

    A schedule that float32 explains comes first. Frequencies of its own are no fault as long as angles grow with the
    position; such that a narrower dtype holds exactly were rounded to it, and the schedule they come from is told.
    """
    signed = {position: angle * direction for position, angle in seen.items()}
    own = fitted(signed)
    steady = _departs(signed, own, noise)[0] is None
    known = _recognised(own, head_dim, TOLERANCES[0])
    if steady and not noise and not _rounded(own):
        found = known if known and known.schedule else None
        exact = _of_schedule(found, len(own)) if found and found.departure < TOLERANCES[0] / 10 else own
        return _fit(signed, exact, found, noise)
    for tolerance in TOLERANCES:
        for each in (own, fitted(signed, EXACT)):  # rounded positions spoil the fit further on
            known = _recognised(each, head_dim, tolerance)
            if known is None or known.schedule is None:
                continue
            small = {position: angle for position, angle in signed.items() if position <= EXACT}
            if _departs(small, _of_schedule(known, len(each)), noise)[0] is None:
                return _fit(signed, _of_schedule(known, len(each)), known, noise)
    return _fit(signed, own if steady else fitted(signed, EXACT), None, noise)


def _rounded(frequencies: Tensor) -> bool:
    """Return whether all frequencies are such as bfloat16 or float16 holds."""
    turning = frequencies[frequencies > 6.2e-5]  # above float16's smallest normal number
    narrow = (turning.to(dtype).double() for dtype in (torch.bfloat16, torch.float16))
    return len(turning) > 2 and any(bool(((one / turning) - 1).abs().max() < 2e-6) for one in narrow)


def _recognised(own: Tensor, head_dim: int | None, tolerance: float) -> Recognition | None:
    own = torch.where(own.abs() < 1e-9, 0.0, own)
    try:
        return recognise(own, head_dim, tolerance=tolerance)
    except ValueError:  # fewer than two pairs turn, or some turn backwards
        return None


def _of_schedule(known: Recognition, pairs: int) -> Tensor:
    assert known.schedule is not None, "it was recognised"
    whole = known.schedule.inverse_frequencies(known.rotary_dim)
    exact = torch.zeros(max(pairs, len(whole)), dtype=torch.float64)
    exact[: len(whole)] = whole
    return exact[:pairs]


def _fit(seen: Turned, exact: Tensor, known: Recognition | None, noise: float) -> Fit:
    wrong_at, error, longest = _departs(seen, exact, noise)
    why = _why(seen, exact, wrong_at) if wrong_at is not None else ""
    if known is None:
        return Fit(exact, None, (), 0.0, int((exact.abs() > 1e-9).sum()), wrong_at, error, longest, why)
    turning = known.rotary_dim // 2
    return Fit(exact, known.schedule, known.alternatives, known.departure, turning, wrong_at, error, longest, why)


def _why(seen: Turned, frequencies: Tensor, position: int) -> str:
    """Explain a wrong angle: by the position that it is right for, or by a rounding."""
    zero = seen.get(0, torch.zeros_like(frequencies))
    angle = seen[position] - zero
    others = torch.arange(position + 65, dtype=torch.float64)
    off = wrapped(others[:, None] * frequencies - angle).abs().amax(-1)  # (positions,)
    near = (off < RIGHT).nonzero().flatten().tolist()
    if near:
        return f"it is turned as position {near[0]} should be"
    gone = position * frequencies
    rounded = wrapped(gone - angle).abs() <= gone.abs() * 2**-7 + RIGHT
    if _rounded(fitted(seen)) or bool(rounded.all()):
        return "frequencies or angles are rounded to less than float32"
    return ""


def _departs(seen: Turned, frequencies: Tensor, noise: float) -> tuple[int | None, float, int]:
    worst, longest = 0.0, 0
    zero = seen.get(0, torch.zeros_like(frequencies))
    for position in sorted(seen):
        off = float(wrapped(seen[position] - zero - position * frequencies).abs().max())
        if off > RIGHT + noise:
            return position, off, longest
        worst, longest = max(worst, off), position
    return None, worst, longest


def of_applied(found: Found, note: Note) -> OwnAngles:
    """Read the angles of a function that rotates by itself."""
    seen = turned(found)
    direction = found.convention.direction
    if not seen:
        return OwnAngles(found.convention, found.trier.probe.positions)
    made = fit(seen, direction, found.trier.probe.width)
    last = max(seen) if max(seen) < ASKED[-1] else None
    convention = replace(_with(found.convention, made), last_position=last)
    own = OwnAngles(convention, tuple(p for p in POSITIONS if p <= made.longest and p <= max(seen)) or (0, 1, 2, 3))
    own.longest = made.longest
    _told(own, made, max(seen), note)
    _offset(own, seen, made, direction, note)
    return own


def _with(convention: Convention, made: Fit) -> Convention:
    if isinstance(made.schedule, Plain) and made.turning == len(made.frequencies):
        return replace(convention, theta=made.schedule.theta)
    return replace(convention, frequencies=tuple(float(f) for f in made.frequencies))


def _told(own: OwnAngles, made: Fit, last: int, note: Note) -> None:
    """Add schedule, alternatives and what they mean."""
    own.schedule = str(made.schedule) if made.schedule else None
    own.theta = getattr(made.schedule, "theta", None)
    shown = f"angles of all pairs at positions up to {last}: worst departure {made.departure:.0e}"
    own.evidence.append(Told(field="theta", says=own.schedule or "no known schedule", because=shown))
    if made.alternatives:
        every = (own.schedule or "", *map(str, made.alternatives))
        own.ambiguous.append(Ambiguity(field="schedule", possible=every, why="frequencies alone cannot tell these apart"))
    if isinstance(made.schedule, OverHeadDim):
        own.remarks.append(note("over-head-dim", "takes its frequencies over head_dim and not over rotary_dim", shown))
    if isinstance(made.schedule, Linear) and abs(made.schedule.factor - 0.5) < 1e-4:
        own.remarks.append(note("rotated-twice", "rotates twice, or by twice the angle", shown))
    if made.turning <= len(made.frequencies) // 4:
        words = f"only {made.turning} of {len(made.frequencies)} pairs turn at all"
        own.remarks.append(note("frequencies", words, shown))
    if made.wrong_at is None:
        says = f"right up to position {made.longest}, the last asked for or taken"
        own.evidence.append(Told(field="context", says=says, because=f"phase at most {made.error:.1e} rad off"))
        return
    words = f"at position {made.wrong_at} its phase is {made.error:.2g} rad off: {made.why}"
    code = "phase" if made.why else "own-positions"
    if not made.why:
        words = f"its angles do not grow with the row beyond position {made.longest}: a grid, or positions of its own"
    own.remarks.append(note(code, words, f"right up to position {made.longest}", mistake=bool(made.why)))


def _offset(own: OwnAngles, seen: Turned, made: Fit, direction: int, note: Note) -> None:
    """Notice a first position that turns already."""
    zero = seen.get(0)
    if zero is None or float(zero.abs().max()) < 1e-5:
        return
    by = float(zero[0]) * direction / float(made.frequencies[0]) if float(made.frequencies[0]) else 0.0
    words = f"position 0 is turned as position {by:.3g} should be"
    own.remarks.append(note("offset", words, f"pair 0 turns by {float(zero[0]):.4g} rad at position 0"))


def of_builder(target: Any, recipe: builders.Recipe, built: builders.Built, device: torch.device, told: Callable[..., Any]) -> Any:
    """Identify a function or module that makes tables."""
    from rotcheck.identify.describe import Identified, remark

    seen = _built_at(target.function, recipe, built)
    head_dim = 2 * built.cos.shape[-1]
    made = fit(seen, 1, head_dim, noise=2 * torch.finfo(_real(built.dtype)).eps)
    if built.grid:
        return _of_grid(target, recipe, built, device, told)
    own = OwnAngles(Convention(pairing=built.table_lanes or "half", layout="bshd", tables=built.form), ())
    _told(own, made, max(seen), remark)
    _offset(own, seen, made, 1, remark)
    if abs(built.amplitude - 1) > 1e-3:
        words = f"scales cos and sin by {built.amplitude:.6g} (an attention factor)"
        own.remarks.append(remark("amplitude", words, "cos**2 + sin**2", mistake=False))
    order = ("one tensor",) if built.order == "one tensor" else (built.order,)
    described = Described(
        kind="builds",
        tables=built.form,
        table_axes=built.axes,
        table_lanes=built.table_lanes,
        argument_order=recipe.arguments,
        theta=getattr(made.schedule, "theta", None),
        schedule=own.schedule,
        frequencies=() if isinstance(made.schedule, Plain) else tuple(float(f) for f in made.frequencies),
        rotary_dim=head_dim,
        positions={"given": "any", "length": "from 0", "x": "from 0", "none": "from 0"}[recipe.positions],
        dtype_rule=f"returns {str(built.dtype)[6:]}",
    )
    evidence = [
        Told(field="call", says=recipe.shown, because="what comes back is tables of a rotation"),
        Told(field="tables", says=f"{built.form}, {', '.join(order)}, axes {built.axes}", because="cos**2 + sin**2 and the row of position 0"),
        *own.evidence,
    ]
    follows = not any(one.mistake for one in own.remarks)
    return Identified(
        told(
            target, device, follows=follows, convention=described, call=recipe.shown, evidence=tuple(evidence),
            findings=tuple(own.remarks), ambiguous=tuple(own.ambiguous), longest_context=made.longest,
        ),
        None,
    )  # fmt: skip


def _of_grid(target: Any, recipe: builders.Recipe, built: builders.Built, device: torch.device, told: Callable[..., Any]) -> Any:
    """Tell of tables for the squares of a grid: axial rotary, which has no one position a row."""
    from rotcheck.identify.describe import Identified

    described = Described(
        kind="builds", tables=built.form, table_axes=built.axes, table_lanes=built.table_lanes,
        argument_order=recipe.arguments, rotary_dim=2 * built.cos.shape[-1], positions="grid", schedule="axial",
        dtype_rule=f"returns {str(built.dtype)[6:]}",
    )  # fmt: skip
    evidence = [Told(field="call", says=recipe.shown, because="as many rows as a grid of both lengths has squares")]
    return Identified(
        told(target, device, follows=True, convention=described, call=recipe.shown, evidence=tuple(evidence)), None
    )


def _real(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype.is_complex else dtype


def _built_at(function: Callable[..., Any], recipe: builders.Recipe, built: builders.Built) -> Turned:
    """Ask the builder for hard positions, as far as it has them."""
    seen: Turned = {position: built.angles[position] for position in range(6)}
    last = ASKED[-1] if recipe.positions == "given" else MOST_ROWS
    for position in (p for p in ASKED if 6 <= p <= last):
        try:
            more = builders.build(function, recipe, torch.tensor([0, position]), torch.float32)
        except Exception:  # it has no row for a position as large as this
            break
        seen[position] = more.angles[1]
    return seen
