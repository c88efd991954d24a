"""Where frequencies follow the length of a sequence and should not, or should and do not."""

from dataclasses import replace

import torch

from rotcheck.identify.angles.frequency_fit import Fit
from rotcheck.identify.angles.measured_angles import Angles
from rotcheck.identify.angles.object_config import ObjectConfig
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark
from rotcheck.rotary.departures import departure
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.schedules import LongRope, Schedule, Yarn

ATTENTION_TOLERANCE = 1e-3  # relative
EXACT_POSITIONS = 5  # positions up to which even float32 tells an angle of 10000 radians a position
LOOSE = 0.1  # radians
LONGER = 2  # times the length up to which nothing has to change


def length_change(position: int, config: ObjectConfig) -> Remark:
    """A remark that frequencies change once a position is asked for, and by which schedule."""
    kinds = {"dynamic": "dynamic NTK, as it says", "longrope": "LongRoPE, as it says"}
    if config.factors("long_factor"):
        kinds[config.kind] = kinds["longrope"]
    why = kinds.get(config.kind, "dynamic NTK, perhaps")
    words = f"with position {position} its frequencies are others than with few rows: {why}"
    because = "the angles of position 1 beside few others and beside that"
    return remark("by-length", words, because, mistake=False)


def exchanged_bands(schedule_fit: Fit) -> list[Remark]:
    """A remark, if fast pairs are slowed and slow ones kept."""
    bands = departure(schedule_fit.frequencies)
    evidence = "the frequencies of all pairs, over those without any scaling"
    return [remark("bands-exchanged", bands.words, evidence)] if bands.exchanged else []


def long_factors(schedule_fit: Fit) -> list[Remark]:
    """A remark, if few rows turn by LongRoPE's long factors."""
    schedule = schedule_fit.schedule
    if not isinstance(schedule, LongRope) or schedule.long == schedule.short:
        return []
    if schedule.length <= schedule.original_length:
        return []
    words = (
        f"turns by long_factor below the original length of {schedule.original_length}, where short_factor belongs: "
        "long_factor is for sequences that are longer"
    )
    because = f"frequencies of few rows: theta {schedule.theta:g} over long_factor"
    return [remark("long-factors", words, because)]


def not_dynamic(config: ObjectConfig, last: int) -> list[Remark]:
    """A remark, if an object that is named dynamic has the same frequencies at every length."""
    length = config.length
    if config.kind != "dynamic" or not length or last < LONGER * length:
        return []
    words = (
        f"is named dynamic, and its frequencies are the same at every length: dynamic NTK keeps them up to {length} "
        "positions and raises theta with the length beyond"
    )
    because = f"the angles of position 1 beside few others and beside position {last}"
    return [remark("not-dynamic", words, because)]


def amplitude_missing(
    schedule: Schedule | None, amplitude: float, config: ObjectConfig
) -> str | None:
    """Words, if cos and sin are scaled neither as YaRN or LongRoPE asks nor as
    the object says itself.

    No mistake: DeepSeek's are not, by their configuration, and others scale the scores instead.
    """
    if not isinstance(schedule, Yarn | LongRope):
        return None
    possible = [schedule, *(s for s in config.schedules() if isinstance(s, Yarn | LongRope))]
    scale, whole = config.number("mscale"), config.number("mscale_all_dim")
    if isinstance(schedule, Yarn) and scale is not None and whole is not None:
        possible.append(replace(schedule, mscale=scale, mscale_all_dim=whole, attention=None))
    factors = [like.attention_factor for like in possible]
    if any(abs(amplitude / right - 1) < ATTENTION_TOLERANCE for right in factors):
        return None
    factor = f"{schedule.factor:g}"
    if isinstance(schedule, Yarn):
        name, formula = "YaRN", f"0.1 ln {factor} + 1"
        reading = (
            "a configuration whose mscale equals its mscale_all_dim means 1 and scales the softmax instead, as "
            "DeepSeek's does, also in transformers"
        )
    else:
        name, formula = "LongRoPE", f"sqrt(1 + ln {factor} / ln {schedule.original_length})"
        reading = (
            "right only where the scores are scaled elsewhere, or the model's configuration says so"
        )
    return (
        f"{name} with factor {factor} asks for cos and sin scaled by {formula} = {schedule.attention_factor:.4g}; they "
        f"are scaled by {amplitude:.4g} ({reading})"
    )


def growing_frequencies(angles: Angles, direction: int, theta: float) -> str:
    """Words, if frequencies grow from pair to pair as they should fall; else empty."""
    near = [position for position in angles if 0 < position <= EXACT_POSITIONS]
    pairs = len(next(iter(angles.values())))
    growing = theta ** (torch.arange(pairs, dtype=torch.float64) / pairs)  # (P,)
    off = [wrap(direction * angles[at] - at * growing).abs().max() for at in near]
    if not near or max(off) > LOOSE:
        return ""
    exponent = f"2i / {2 * pairs}"
    return f"its frequencies grow from pair to pair: {theta:g} ** ({exponent}) where {theta:g} ** (-{exponent}) belongs"
