"""What the metadata of a GGUF file say of its rotation, as llama.cpp reads them."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rotcheck.model.declared.rotation_settings import RotationSettings, Setting
from rotcheck.model.declared.spellings import settings_in

ARCHITECTURE = "general.architecture"
TENSORS = {
    "freqs": "rope_freqs.weight",
    "short": "rope_factors_short.weight",
    "long": "rope_factors_long.weight",
}
"""The tensors that hold divisors of frequencies, one a pair."""

_KEYS = {
    "theta": ("rope.freq_base",),
    "kind": ("rope.scaling.type",),
    "factor": ("rope.scaling.factor", "rope.scale_linear"),
    "alpha": ("rope.scaling.alpha",),
    "attention": ("rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor"),
    "original_length": ("rope.scaling.original_context_length",),
    "beta_fast": ("rope.scaling.yarn_beta_fast",),
    "beta_slow": ("rope.scaling.yarn_beta_slow",),
    "log_multiplier": ("rope.scaling.yarn_log_multiplier",),
    "rotary_dim": ("rope.dimension_count",),
    "sections": ("rope.dimension_sections",),
    "head_dim": ("attention.key_length",),
    "width": ("embedding_length",),
    "heads": ("attention.head_count",),
    "longest": ("context_length",),
}
_SLIDING = {
    "theta": ("rope.freq_base_swa",),
    "rotary_dim": ("rope.dimension_count_swa",),
    "head_dim": ("attention.key_length_swa",),
}
_SLIDING_THETA = {"gemma3": 10000.0, "gemma3n": 10000.0}  # in llama.cpp's code, not in the file


def gguf_settings(config: Mapping[str, Any]) -> tuple[RotationSettings, ...] | None:
    """The settings in the metadata of a GGUF file; None for what are no such metadata."""
    name = config.get(ARCHITECTURE)
    if not isinstance(name, str):
        return None
    prefix = f"{name}."
    values = {
        key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)
    }
    if not any(key.startswith("rope.") for key in values):
        return ()
    settings = dict(settings_in(values, _KEYS, prefix))
    settings = _divisors(config) | {"theta": Setting(10000.0)} | settings
    return tuple(_by_layers(name, values, _complete(settings), prefix))


def _divisors(config: Mapping[str, Any]) -> dict[str, Setting]:
    """The divisors that its tensors hold."""
    tensors = {name: Setting(config[key], key) for name, key in TENSORS.items() if key in config}
    freqs = tensors.pop("freqs", None)
    return {"short": freqs, "long": freqs} if freqs else tensors


def _complete(settings: dict[str, Setting]) -> dict[str, Setting]:
    """The settings as llama.cpp reads them together."""
    heads = settings.get("heads", Setting(0))
    if isinstance(heads.value, list) and heads.value:  # one number a layer
        settings["heads"] = Setting(heads.value[0], heads.path)
    if "kind" not in settings and "factor" in settings:
        settings["kind"] = Setting("linear")
    kind = settings.get("kind", Setting("none")).value
    if kind == "none":  # a factor is of no matter then
        settings.pop("factor", None)
    if "short" in settings and kind != "yarn":
        settings["kind"] = Setting("longrope", settings.get("kind", Setting("")).path)
        settings.setdefault("attention", Setting(1.0))
        if settings["short"] == settings["long"]:  # Llama 3's, as converted
            settings["factor"] = Setting(1.0)
    factor, attention = (RotationSettings(settings).number(n) for n in ("factor", "attention"))
    if kind == "yarn" and factor and attention:  # a factor beside YaRN's own
        growth = 0.1 * math.log(max(factor, 1.0))
        settings["attention"] = Setting(attention * (growth + 1), settings["attention"].path)
    if "log_multiplier" in settings:  # DeepSeek's: the softmax is scaled, not cos and sin
        settings["attention"] = Setting(1.0, settings["log_multiplier"].path)
    if "sections" in settings:
        pairs = tuple(pairs for pairs in RotationSettings(settings).numbers("sections") if pairs)
        settings["sections"] = Setting(pairs, settings["sections"].path)
    return settings


def _by_layers(
    name: str, values: Mapping[str, Any], settings: dict[str, Setting], prefix: str
) -> Iterator[RotationSettings]:
    """Yield the settings of all layers, or of both types of them."""
    sliding = dict(settings_in(values, _SLIDING, prefix))
    if "theta" not in sliding and name in _SLIDING_THETA:
        sliding["theta"] = Setting(_SLIDING_THETA[name])
    if "theta" not in sliding:
        yield RotationSettings(settings)
        return
    scaling = ("kind", "factor", "short", "long", "attention", "original_length")
    yield RotationSettings(settings, layers="full_attention")
    plain = {key: setting for key, setting in settings.items() if key not in scaling}
    yield RotationSettings({**plain, **sliding}, layers="sliding_attention")
