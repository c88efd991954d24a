"""Where the frequencies of an object contradict what it says of them itself:
its base, its scaling, its width.

No mistake: a name may mean something else,
and one configuration may serve several layers. So it is not understood.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rotcheck.convention.vocabulary import BASE, CONFIGURATION, is_named
from rotcheck.identify.angles.frequency_fit import Fit
from rotcheck.identify.angles.object_config import FACTOR, ObjectConfig
from rotcheck.rotary.schedules import Linear, Llama3, LongRope, Plain, Schedule, Yarn

LONGER = 2  # times the original length, up to which nothing has to change
_SCALES = re.compile(  # what else moves a base
    r"(?!partial_|attention_).*(alpha|ratio|ntk|scal|factor|interp|local|global|fraction).*"
)
_WIDTHS = re.compile(
    r".*(rot|rope|qk|nope|axes|section).*(dim|dims|size|width|pct|percent.*|section)|.*dim_ratio"
)
_NAMED_SCHEDULES = (Linear, Llama3, Yarn)  # schedules that one name and a few numbers stand for


def contradiction(
    measurement: Fit, config: ObjectConfig, lanes: int | None, last: int
) -> str | None:
    """What an object says of its frequencies and does not do;
    None: they are as it says, or it says nothing.

    `lanes`: how many turn, where its width is its own and not what it was told. `last`: the last
    position asked for up to which frequencies were the same.
    """
    if _of_several_layers(config):
        return None
    return (
        _scaling(measurement, config)
        or _short_for_long(measurement, last)
        or _base(measurement.schedule, measurement.alternatives, config, 2 * measurement.turning)
        or (_width(config, lanes) if lanes else None)
    )


def _of_several_layers(config: ObjectConfig) -> bool:
    """Whether its configuration holds a schedule for each kind of layers."""
    mappings = [
        value
        for name, value in config.values.items()
        if isinstance(value, Mapping) and not is_named(name, CONFIGURATION)
    ]
    return any(isinstance(value, Mapping) for mapping in mappings for value in mapping.values())


def _scaling(measurement: Fit, config: ObjectConfig) -> str | None:
    """Words, if its frequencies do not have the scaling that it names,
    with the numbers that it says."""
    schedules = [
        schedule
        for schedule in config.schedules()
        if isinstance(schedule, _NAMED_SCHEDULES) and schedule.factor != 1
    ]
    if not schedules or any(
        _same_frequencies(schedule, candidate)
        for schedule in schedules
        for candidate in (measurement.schedule, *measurement.alternatives)
    ):
        return None
    longest = config.longest
    if isinstance(schedules[0], Yarn) and longest and longest <= schedules[0].original_length:
        return None  # it has not been extended
    have = (
        f", and its frequencies are those of {measurement.schedule}" if measurement.schedule else ""
    )
    return f"it says {_without_attention(schedules[0])}{have}"


def _same_frequencies(schedule: Schedule, reference: Schedule | None) -> bool:
    """Whether two schedules have the same frequencies, whatever they scale cos and sin by."""
    return reference is not None and _without_attention(schedule) == _without_attention(reference)


def _without_attention(schedule: Schedule) -> Schedule:
    if not isinstance(schedule, Yarn):
        return schedule
    return replace(schedule, mscale=None, mscale_all_dim=None, attention=None)


def _short_for_long(measurement: Fit, last: int) -> str | None:
    """Words, if an object with factors for long sequences does not use them."""
    schedule = measurement.schedule
    if not isinstance(schedule, LongRope) or schedule.short == schedule.long:
        return None
    original = schedule.original_length
    if schedule.length > original or last < LONGER * original:
        return None
    return (
        f"it has a long_factor for sequences of more than {original} positions, and beside position {last} it turns by "
        "short_factor all the same"
    )


def _base(
    schedule: Schedule | None, alternatives: Sequence[Schedule], config: ObjectConfig, lanes: int
) -> str | None:
    """Words, if its one base is not that of its frequencies."""
    candidates = (schedule, *alternatives)
    bases = {
        name: float(value)
        for name, value in config.values.items()
        if is_named(name, BASE)
        and not name.startswith("log")
        and type(value) in (int, float)
        and value > 1
    }
    if not isinstance(schedule, Plain) or len(set(bases.values())) != 1:
        return None
    name, base = next(iter(bases.items()))
    if _base_is_scaled(config):
        return _factor_in_exponent(schedule, name, base, config)
    if any(abs(getattr(candidate, "theta", 0) / base - 1) < 1e-3 for candidate in candidates):
        return None
    times = math.log(schedule.theta) / math.log(base)
    if abs(times - lanes / (lanes - 1)) < 1e-4:
        return None  # over one lane less, as an odd width has it
    return (
        f"it says {name} {base:g}, and its frequencies are those of theta {schedule.theta:g}: as if each exponent were "
        f"{times:.4g} times -2i / {lanes}, or the base read from elsewhere"
    )


def _factor_in_exponent(
    schedule: Plain, name: str, base: float, config: ObjectConfig
) -> str | None:
    """Words, if a factor that belongs to positions or frequencies divides
    the exponent of the base."""
    factor = config.number(*FACTOR) or 1.0
    if factor == 1 or abs(factor * math.log(schedule.theta) / math.log(base) - 1) > 1e-4:
        return None
    return (
        f"it says {name} {base:g} and a factor of {factor:g}, and its frequencies are those of theta "
        f"{schedule.theta:g}: the factor divides the exponents, and belongs to the positions"
    )


def _base_is_scaled(config: ObjectConfig) -> bool:
    """Whether something other than the base may change it."""
    return any(
        _SCALES.fullmatch(name.lower()) and value not in (None, 0, 1, False, ())
        for name, value in config.values.items()
        if isinstance(value, (int, float, Mapping, list, tuple)) and not isinstance(value, bool)
    )


def _width(config: ObjectConfig, lanes: int) -> str | None:
    """Words, if another number of lanes turns than its configuration says."""
    head_dim, part = config.number("head_dim"), config.number("partial_rotary_factor") or 1.0
    names = config.configuration
    if head_dim is None or "head_dim" not in names or any(map(_WIDTHS.fullmatch, names)):
        return None
    expected_lanes = int(head_dim * part)
    if expected_lanes == lanes:
        return None
    share = f" and partial_rotary_factor {part:g}" if part != 1 else ""
    return f"its configuration says head_dim {head_dim:g}{share}, so that {expected_lanes} lanes turn, and {lanes} do"
