"""Frequencies, schedule and reach in context of functions that rotate by angles
which they compute themselves."""

from dataclasses import replace

import torch
from torch import Tensor

from rotcheck.convention import Convention, coordinates, role_of
from rotcheck.identify.angles.angle_findings import (
    UNKNOWN_SCHEDULE,
    AngleFindings,
    add_offset,
    add_schedule,
    no_end,
)
from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.frequency_fit import Fit, fit_schedule
from rotcheck.identify.angles.length_dependence import first_change, follow_offset_alone
from rotcheck.identify.angles.measured_angles import (
    PROBE_POSITIONS,
    Angles,
    end_known,
    measure_angles,
)
from rotcheck.identify.angles.object_config import ObjectConfig, config_of
from rotcheck.identify.angles.schedule_faults import (
    ATTENTION_TOLERANCE,
    amplitude_missing,
    growing_frequencies,
    length_change,
    long_factors,
    not_dynamic,
)
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import POSITIONS
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.schedules import Plain

HANDED_SCHEDULE = Plain()  # whose frequencies a function is handed that asks for them
FEW_POSITIONS = (0, 1, 2, 3)


def read_rotation_angles(match: Match) -> AngleFindings:
    """Read the angles of a function that rotates by itself."""
    if match.reading.angles is not None and _is_reshaped(match.reading.angles):
        return _of_reshaped(match)
    angles, change = _angles(match)
    direction = match.convention.direction
    fit, parts = _fit(angles, direction, match)
    last = max(angles)
    findings = AngleFindings(
        replace(
            _with_frequencies(match.convention, fit, parts),
            last_position=last if last < PROBE_POSITIONS[-1] else None,
        ),
        tuple(at for at in POSITIONS if at <= min(fit.longest, last)) or FEW_POSITIONS,
        longest=fit.longest,
    )
    add_schedule(findings, fit, last)
    config = config_of(match.caller.function)
    findings.remarks += [length_change(change, config)] if change else not_dynamic(config, last)
    findings.remarks += long_factors(fit)
    if change:
        findings.doubt = findings.doubt or follow_offset_alone(match, angles, change)
    if findings.apart:
        growing = growing_frequencies(angles, direction, config.theta)
        findings.doubt = growing or findings.doubt
    _add_attention(findings, fit, match.reading.amplitude, config)
    if parts == 1:
        findings.doubt = findings.doubt or contradiction(fit, config, None, last)
    findings.doubt = findings.doubt or _other_lanes(match, fit, config)
    if parts > 1:
        schedule = findings.schedule or UNKNOWN_SCHEDULE
        findings.call_schedule(f"Axial, for each of {parts} coordinates {schedule}")
    asks_for_frequencies = "inv_freq" in map(role_of, findings.convention.arguments)
    if asks_for_frequencies and findings.theta == HANDED_SCHEDULE.theta:
        findings.call_schedule("the frequencies that it is given")
        findings.theta, findings.doubt = None, None
    add_offset(findings, angles, fit, direction)
    findings.evidence += [] if end_known(match) else [no_end()]
    return findings


def _of_reshaped(match: Match) -> AngleFindings:
    words = "its angles are reshaped where they should be transposed: each pair has the angles of others"
    because = "every row and pair of the probe has the angle that lies there when (pairs, rows) is reshaped"
    remarks = [remark("angles-reshaped", words, because)]
    return AngleFindings(match.convention, FEW_POSITIONS, remarks)


def _angles(match: Match) -> tuple[Angles, int | None]:
    """The angles up to the position at which frequencies change, and that position."""
    angles, change = measure_angles(match)
    first = first_change(angles) if match.convention.positions == "offset" else None
    if first is not None:
        change = first
        angles = {position: row for position, row in angles.items() if position < first}
    if not angles and match.reading.angles is not None:
        # it takes as many rows as the probe has, and no others
        return dict(enumerate(match.convention.direction * match.reading.angles)), change
    return angles, change


def _is_reshaped(angles: Tensor) -> bool:
    """Whether angles (S, P) are those of (P, S), reshaped:
    steady from row to row only when that is undone."""
    rows, pairs = angles.shape
    return not _is_steady(angles) and _is_steady(angles.reshape(pairs, rows).T)


def _is_steady(angles: Tensor) -> bool:
    """Whether angles (S, P) grow by the same from each row to the next, and by something."""
    steps = torch.arange(len(angles), dtype=angles.dtype)[:, None]  # (S, 1)
    off = wrap(angles - steps * wrap(angles[1])).abs().max()
    return bool(off < 1e-3) and bool(angles[1].abs().max() > 1e-3)


def _fit(angles: Angles, direction: int, match: Match) -> tuple[Fit, int]:
    """The fit of the angles, and to how many coordinates with a row
    of frequencies each they belong."""
    candidates = config_of(match.caller.function).schedules()
    whole = fit_schedule(angles, direction, match.caller.probe.width, candidates=candidates)
    parts = coordinates(match.convention.position_axes) or 1
    pairs = len(whole.frequencies)
    if parts == 1 or pairs % parts or whole.schedule:
        return whole, 1
    width = pairs // parts
    fits = [
        fit_schedule(
            {position: row[first : first + width] for position, row in angles.items()},
            direction,
            2 * width,
        )
        for first in range(0, pairs, width)
    ]
    alike = all(torch.allclose(part.frequencies, fits[0].frequencies, rtol=1e-4) for part in fits)
    return (fits[0], parts) if alike else (whole, 1)


def _with_frequencies(convention: Convention, fit: Fit, parts: int) -> Convention:
    all_turn = fit.turning == len(fit.frequencies)
    if parts == 1 and isinstance(fit.schedule, Plain) and all_turn:
        return replace(convention, theta=fit.schedule.theta)
    return replace(convention, frequencies=parts * tuple(fit.frequencies.tolist()))


def _add_attention(
    findings: AngleFindings, fit: Fit, amplitude: float, config: ObjectConfig
) -> None:
    """Add an attention factor, which no rotation has and a schedule may ask for."""
    if abs(amplitude - 1) < ATTENTION_TOLERANCE:
        findings.doubt = findings.doubt or amplitude_missing(fit.schedule, 1.0, config)
        return
    factor = fit.schedule.attention_factor if fit.schedule else 1.0
    name = config.holder(amplitude)
    if abs(amplitude / factor - 1) < ATTENTION_TOLERANCE:
        source = "the attention factor of its schedule"
    elif name is not None:
        source = f"its `{name}`"
    else:
        return
    findings.attention = True
    words = f"scales q and k by {amplitude:.6g}, {source}"
    because = "the length of a turned pair"
    findings.remarks.append(remark("amplitude", words, because, mistake=False))
    findings.doubt = (
        f"{words}: its values were not compared with float64, which covers rotations only"
    )


def _other_lanes(match: Match, fit: Fit, config: ObjectConfig) -> str | None:
    """That as many lanes turn as its configuration says, and not those in front;
    None: these turn."""
    lanes = config.number("rotary_dim", "rope_dim", "rot_dim", "rotary_ndims", "n_rot")
    half = match.reading.rotary_dim // 2
    if lanes is None or lanes > half or lanes != 2 * fit.turning or match.reading.pairing != "half":
        return None
    return (
        f"it says rotary_dim {lanes:g}, and pairs lane 0 with lane {half}, outside of the first {lanes:g} lanes: "
        f"within these its partner is lane {lanes / 2:g}"
    )
