"""Where the frequencies of an object contradict what it says of them itself: its base, its scaling, its width.

No mistake: a name may mean something else, and one configuration may serve several layers. So it is not understood.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rotcheck.convention.vocabulary import BASE, CONFIGURATION, said
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
_SPOKEN = (Linear, Llama3, Yarn)  # schedules that one name and a few numbers stand for


def contradiction(made: Fit, known: ObjectConfig, lanes: int | None, last: int) -> str | None:
    """Return what an object says of its frequencies and does not do; None: they are as it says, or it says nothing.

    `lanes`: how many turn, where its width is its own and not what it was told. `last`: the last position asked for
    up to which frequencies were the same.
    """
    if _of_several_layers(known):
        return None
    return (
        _scaling(made, known)
        or _short_for_long(made, known, last)
        or _base(made.schedule, made.alternatives, known, 2 * made.turning)
        or (_width(known, lanes) if lanes else None)
    )


def _of_several_layers(known: ObjectConfig) -> bool:
    """Return whether its configuration holds a schedule for each kind of layers."""
    nested = [
        value
        for name, value in known.values.items()
        if isinstance(value, Mapping) and not said(name, CONFIGURATION)
    ]
    return any(isinstance(value, Mapping) for each in nested for value in each.values())


def _scaling(made: Fit, known: ObjectConfig) -> str | None:
    """Return that the scaling it names, with the numbers that it says, is not the one that its frequencies have."""
    meant = [one for one in known.schedules() if isinstance(one, _SPOKEN) and one.factor != 1]
    if not meant or any(
        _same(one, two) for one in meant for two in (made.schedule, *made.alternatives)
    ):
        return None
    longest = known.longest
    if isinstance(meant[0], Yarn) and longest and longest <= meant[0].original_length:
        return None  # it has not been extended
    have = f", and its frequencies are those of {made.schedule}" if made.schedule else ""
    return f"it says {_unscaled(meant[0])}{have}"


def _same(one: Schedule, other: Schedule | None) -> bool:
    """Return whether two schedules have the same frequencies, whatever they scale cos and sin by."""
    return other is not None and _unscaled(one) == _unscaled(other)


def _unscaled(schedule: Schedule) -> Schedule:
    if not isinstance(schedule, Yarn):
        return schedule
    return replace(schedule, mscale=None, mscale_all_dim=None, attention=None)


def _short_for_long(made: Fit, known: ObjectConfig, last: int) -> str | None:
    """Return that one with factors for long sequences does not use them."""
    schedule = made.schedule
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
    schedule: Schedule | None, others: Sequence[Schedule], known: ObjectConfig, lanes: int
) -> str | None:
    """Return that its one base is not that of its frequencies."""
    every = (schedule, *others)
    bases = {
        name: float(value)
        for name, value in known.values.items()
        if said(name, BASE)
        and not name.startswith("log")
        and type(value) in (int, float)
        and value > 1
    }
    if not isinstance(schedule, Plain) or len(set(bases.values())) != 1:
        return None
    name, base = next(iter(bases.items()))
    if _moved(known):
        return _divided(schedule, name, base, known)
    if any(abs(getattr(one, "theta", 0) / base - 1) < 1e-3 for one in every):
        return None
    times = math.log(schedule.theta) / math.log(base)
    if abs(times - lanes / (lanes - 1)) < 1e-4:
        return None  # over one lane less, as an odd width has it
    return (
        f"it says {name} {base:g}, and its frequencies are those of theta {schedule.theta:g}: as if each exponent were "
        f"{times:.4g} times -2i / {lanes}, or the base read from elsewhere"
    )


def _divided(schedule: Plain, name: str, base: float, known: ObjectConfig) -> str | None:
    """Return that a factor, which belongs to positions or frequencies, divides the exponent of the base."""
    factor = known.number(*FACTOR) or 1.0
    if factor == 1 or abs(factor * math.log(schedule.theta) / math.log(base) - 1) > 1e-4:
        return None
    return (
        f"it says {name} {base:g} and a factor of {factor:g}, and its frequencies are those of theta "
        f"{schedule.theta:g}: the factor divides the exponents, and belongs to the positions"
    )


def _moved(known: ObjectConfig) -> bool:
    """Return whether something else than the base may have a say in it."""
    return any(
        _SCALES.fullmatch(name.lower()) and value not in (None, 0, 1, False, ())
        for name, value in known.values.items()
        if isinstance(value, (int, float, Mapping, list, tuple)) and not isinstance(value, bool)
    )


def _width(known: ObjectConfig, lanes: int) -> str | None:
    """Return that as many lanes as its configuration speaks of do not turn."""
    head_dim, part = known.number("head_dim"), known.number("partial_rotary_factor") or 1.0
    configured = known.configuration
    if head_dim is None or "head_dim" not in configured or any(map(_WIDTHS.fullmatch, configured)):
        return None
    wanted = int(head_dim * part)
    if wanted == lanes:
        return None
    share = f" and partial_rotary_factor {part:g}" if part != 1 else ""
    return f"its configuration says head_dim {head_dim:g}{share}, so that {wanted} lanes turn, and {lanes} do"
