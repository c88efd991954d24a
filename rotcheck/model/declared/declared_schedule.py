"""The schedule that settings mean, by its published definition, and the lanes that turn."""

import math
from collections.abc import Callable

from rotcheck.model.declared.rotation_settings import RotationSettings
from rotcheck.rotary.schedules import (
    Axial,
    AxisRows,
    DynamicNtk,
    Linear,
    Llama3,
    LongRope,
    Ntk,
    Plain,
    Proportional,
    Schedule,
    Yarn,
)


class UnclearDeclaration(ValueError):
    """Settings from which no schedule follows; the message says why."""


def declared_schedule(settings: RotationSettings) -> Schedule:
    """The schedule of these settings.

    Raises UnclearDeclaration where none follows from them, in words.
    """
    problem = settings.problem or settings.value("unknown", "")
    if problem:
        raise UnclearDeclaration(problem)
    kind = rope_type(settings)
    if kind not in _SCHEDULES:
        raise UnclearDeclaration(f"{_name(settings, 'kind')} is {kind!r}, which we do not know")
    try:
        return _SCHEDULES[kind](settings)
    except UnclearDeclaration:
        raise
    except (ValueError, ArithmeticError) as error:  # numbers that no schedule has
        raise UnclearDeclaration(str(error)) from error


def rope_type(settings: RotationSettings) -> str:
    """The type of the schedule: "default" where they say none."""
    kind = str(settings.value("kind") or "default").lower()
    if kind == "yarn" and settings.numbers("short"):  # as early configurations of Phi-3 spell it
        return "longrope"
    return _SYNONYMS.get(kind, kind)


def head_dim(settings: RotationSettings) -> int | None:
    """The lanes of a head of q."""
    rope, nope = settings.number("rope_lanes"), settings.number("nope_lanes")
    if rope and nope:
        return int(rope + nope)
    head = settings.number("head_dim")
    width, heads = settings.number("width"), settings.number("heads")
    if head:
        return int(head)
    return int(width // heads) if width and heads else None


def rotary_dim(settings: RotationSettings) -> int | None:
    """The lanes that its frequencies are for; of a proportional schedule all lanes of the head."""
    lanes = settings.number("rope_lanes") or settings.number("rotary_dim")
    if lanes:
        return int(lanes)
    head, partial = head_dim(settings), settings.number("partial")
    if head is not None and rope_type(settings) == "axial":
        return head - head % (2 * len(_order(settings)))
    if head is None or partial is None or rope_type(settings) == "proportional":
        return head
    return int(head * partial)


def _order(settings: RotationSettings) -> str:
    """The axes of an axial rotation, each a letter, in the order in which their pairs stand."""
    return str(settings.value("order", "hw"))


def _name(settings: RotationSettings, name: str) -> str:
    return settings.path(name) or name


def _require(settings: RotationSettings, name: str) -> float:
    number = settings.number(name)
    if number is None:
        raise UnclearDeclaration(f"{rope_type(settings)} without {_WORDS.get(name, name)}")
    return number


def _theta(settings: RotationSettings) -> float:
    theta = settings.number("theta")
    if theta is None:
        raise UnclearDeclaration(
            "a rotation without a theta, in an architecture that we do not know"
        )
    return theta


def _original_length(settings: RotationSettings) -> int:
    """The length before the context was extended, or the longest, as transformers takes it."""
    length = settings.number("original_length") or settings.number("longest")
    return int(length) if length else int(_require(settings, "original_length"))


def _growth(settings: RotationSettings) -> float:
    """The factor, or the ratio of both lengths, where none is given."""
    factor, longest = settings.number("factor"), settings.number("longest")
    if factor is None and longest:
        factor = longest / _original_length(settings)
    return _require(settings, "factor") if factor is None else factor


def _default(settings: RotationSettings) -> Schedule:
    if settings.number("factor") is not None:
        path = _name(settings, "factor")
        raise UnclearDeclaration(
            f"{path} is {settings.value('factor')}, and no type says what it scales"
        )
    return Plain(_theta(settings))


def _linear(settings: RotationSettings) -> Schedule:
    factor = _require(settings, "factor")
    return Plain(_theta(settings)) if factor == 1 else Linear(factor, _theta(settings))


def _dynamic(settings: RotationSettings) -> Schedule:
    alpha = settings.number("alpha")
    if alpha:  # Hunyuan: theta is raised once, at every length
        return Ntk(alpha, _theta(settings))
    longest = int(_require(settings, "longest"))
    return DynamicNtk(_require(settings, "factor"), longest, _theta(settings))


def _yarn(settings: RotationSettings) -> Schedule:
    attention = settings.number("attention")
    if settings.value("apply_scale") is False:
        attention = 1.0
    scales = settings.number("mscale") or None, settings.number("mscale_all_dim") or None
    return Yarn(
        _growth(settings),
        _original_length(settings),
        _theta(settings),
        settings.number("beta_fast") or 32.0,
        settings.number("beta_slow") or 1.0,
        settings.value("truncate", True) is not False,
        *(scales if all(scales) else (None, None)),
        attention=attention,
    )


def _longrope(settings: RotationSettings) -> Schedule:
    attention = settings.number("attention")
    scales = {settings.number("short_mscale"), settings.number("long_mscale")} - {None}
    if len(scales) > 1:  # Phi-3.5-MoE's are the same
        raise UnclearDeclaration("short_mscale and long_mscale are two attention factors")
    short, long = settings.numbers("short"), settings.numbers("long")
    if not short or not long:
        raise UnclearDeclaration("longrope without short_factor and long_factor")
    original = _original_length(settings)
    scale = next(iter(scales), attention)
    return LongRope(short, long, original, _growth(settings), 1, _theta(settings), scale)


def _llama3(settings: RotationSettings) -> Schedule:
    low, high = _require(settings, "low"), _require(settings, "high")
    factor, original = _require(settings, "factor"), _original_length(settings)
    return Llama3(factor, original, _theta(settings), low, high)


def _proportional(settings: RotationSettings) -> Schedule:
    factor, share = settings.number("factor"), settings.number("partial")
    share = 1.0 if share is None else share
    return Proportional(share, _theta(settings), 1.0 if factor is None else factor)


def _axes(settings: RotationSettings) -> Schedule:
    return AxisRows(tuple(map(int, settings.numbers("axes"))), _theta(settings))


def _axial(settings: RotationSettings) -> Schedule:
    axes, sides = len(_order(settings)), settings.numbers("sides")
    if settings.value("fractions") and not sides:
        raise UnclearDeclaration("its positions are fractions of the image")
    is_dealt, is_shared = (settings.value(name) is True for name in ("dealt", "shared"))
    return Axial(axes, _theta(settings), is_dealt, is_shared, tuple(map(int, sides)))


_WORDS = {
    "low": "low_freq_factor",
    "high": "high_freq_factor",
    "original_length": "original_max_position_embeddings",
    "longest": "max_position_embeddings",
}
_SYNONYMS = {
    "su": "longrope",
    "ntk": "dynamic",
    "mrope": "default",
    "none": "default",
    "xdrope": "dynamic",
}
_SCHEDULES: dict[str, Callable[[RotationSettings], Schedule]] = {
    "default": _default,
    "linear": _linear,
    "dynamic": _dynamic,
    "yarn": _yarn,
    "longrope": _longrope,
    "llama3": _llama3,
    "proportional": _proportional,
    "axial": _axial,
    "axes": _axes,
}


def turning_lanes(settings: RotationSettings, schedule: Schedule) -> int | None:
    """The lanes that turn: of a proportional schedule not those that stand still."""
    lanes = rotary_dim(settings)
    if lanes is None or not isinstance(schedule, Proportional):
        return lanes
    return 2 * math.floor(schedule.proportion * lanes // 2)
