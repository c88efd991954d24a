"""What explains an attention factor other than the declared one."""

import math
from collections.abc import Iterator

from rotcheck.model.declared.declared_rotation import DeclaredRotation
from rotcheck.model.declared.declared_schedule import rope_type
from rotcheck.model.declared.key_changes import holder, key_name
from rotcheck.model.declared.rotation_settings import RotationSettings

SAME_AMPLITUDE = 1e-3  # relative


def amplitude_words(rotation: DeclaredRotation, amplitude: float) -> str:
    """In words, what makes the attention factor another than the declared one;
    empty where it is that one."""
    right = rotation.amplitude
    if _is_same(amplitude, right):
        return ""
    off = f"cos and sin are scaled by {amplitude:.4g}, and {right:.4g} is declared"
    why = [words for words, value in _changes(rotation, right) if _is_same(amplitude, value)]
    return f"{off}: {' or '.join(why)}" if why else off


def _is_same(amplitude: float, right: float) -> bool:
    return abs(amplitude - right) < SAME_AMPLITUDE * abs(right)


def _changes(rotation: DeclaredRotation, right: float) -> Iterator[tuple[str, float]]:
    """Yield what the attention factor may have been taken for."""
    settings, name = rotation.settings, holder(rotation.settings)
    yield f"the attention factor of {name} is missing, unless the scores are scaled elsewhere", 1.0
    yield f"the attention factor of {name} is applied twice", right**2
    yield "its square root is applied", math.sqrt(right)
    yield "its inverse is applied", 1 / right
    if rope_type(settings) == "yarn":
        yield from _of_yarn(settings)


def _of_yarn(settings: RotationSettings) -> Iterator[tuple[str, float]]:
    factor = settings.number("factor") or 1.0
    growth = 0.1 * math.log(max(factor, 1.0))
    keys = [
        key_name(settings, key)
        for key in ("attention", "mscale", "mscale_all_dim")
        if settings.path(key)
    ]
    if keys:
        yield (
            f"{' and '.join(keys)} are ignored" if len(keys) > 1 else f"{keys[0]} is ignored",
            growth + 1,
        )
    scale, whole = settings.number("mscale"), settings.number("mscale_all_dim")
    if scale and whole:
        yield f"{key_name(settings, 'mscale_all_dim')} is ignored", scale * growth + 1
        yield f"{key_name(settings, 'mscale')} is taken for 1", (growth + 1) / (whole * growth + 1)
    longest, original = settings.number("longest"), settings.number("original_length")
    if longest and original and longest > original:
        yield "it is that of the ratio of both lengths", 0.1 * math.log(longest / original) + 1
