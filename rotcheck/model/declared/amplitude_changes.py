"""What explains an attention factor other than the declared one."""

import math
from collections.abc import Iterator

from rotcheck.model.declared.declared_rotation import DeclaredRotation
from rotcheck.model.declared.declared_schedule import rope_type
from rotcheck.model.declared.key_changes import holder, key_name
from rotcheck.model.declared.rotation_settings import RotationSettings

SAME_AMPLITUDE = 1e-3  # relative
LEAST = 0.01  # by which a factor is another one than 1
SCORE_FAMILIES = (
    "deepseek_v2",
    "deepseek_v3",
    "deepseek_v32",
)  # whose mscale_all_dim scales the scores by definition


def amplitude_words(
    rotation: DeclaredRotation, amplitude: float, scores: float | None = None, model_type: str = ""
) -> str:
    """In words, what makes the attention factor another than the declared one;
    empty where it is that one.

    Args:
        rotation: what is declared.
        amplitude: what cos and sin are multiplied with.
        scores: how many times 1 / sqrt(D) the scores are multiplied with; None: nobody knows.
        model_type: of the configuration.
    """
    right = rotation.amplitude
    if _is_same(amplitude, right):
        return _score_words(rotation, scores, model_type)
    is_whole = rotation.rotary_dim == rotation.head_dim
    if scores is not None and is_whole and _is_same(amplitude**2 * scores, right**2):
        return ""  # q and k in full: their products may be scaled instead
    off = f"cos and sin are scaled by {amplitude:.4g}, and {right:.4g} is declared"
    why = [words for words, value in _changes(rotation, right) if _is_same(amplitude, value)]
    return f"{off}: {' or '.join(why)}" if why else off


def _score_words(rotation: DeclaredRotation, scores: float | None, model_type: str) -> str:
    """In words, what is wrong with the scale of the scores, where cos and sin are as declared;
    empty: nothing is known to be."""
    settings, right = rotation.settings, rotation.amplitude
    if scores is None:
        return ""
    whole = settings.number("mscale_all_dim")
    if not whole:
        is_twice = abs(right - 1) > LEAST and any(_is_same(scores, x) for x in (right, right**2))
        words = f"cos and sin are scaled by {right:.4g}, and the scores by {scores:.4g} once more"
        return f"{words}: the attention factor of {holder(settings)} is applied twice" * is_twice
    key = key_name(settings, "mscale_all_dim")
    once = (0.1 * whole * math.log(max(settings.number("factor") or 1.0, 1.0)) + 1) ** 2
    if abs(once - 1) <= LEAST or rope_type(settings) != "yarn":
        return ""
    if _is_same(scores, once**2):
        return f"the scores are scaled by {scores:.4g}, twice what {key} declares"
    if _is_same(scores, 1.0) and model_type in SCORE_FAMILIES:
        return f"the scores are not scaled by {once:.4g}, as {key} declares"
    return ""


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
