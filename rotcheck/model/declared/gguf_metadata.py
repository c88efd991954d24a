"""What the metadata of a GGUF file say of its rotation, as llama.cpp reads them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
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
    "attention": ("rope.scaling.attn_factor",),
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
_SLIDING_THETA = dict.fromkeys(
    ("gemma3", "gemma3n", "gemma-embedding", "modern-bert"), 10000.0
)  # in llama.cpp's code, not in the file
_WITH_BETAS = ("grok", "mistral3")  # of other architectures llama.cpp takes 32 and 1
_BETAS = {"beta_fast": 32.0, "beta_slow": 1.0}
_STANDS_STILL = 1e14  # a divisor so large that no sequence sees the pair turn
_STILL = {  # architectures that llama.cpp turns nothing of
    *("gpt2", "gptj", "mpt", "refact", "bloom", "starcoder", "bert", "jina-bert-v2", "jais"),
    *("t5", "t5encoder", "mamba", "mamba2", "jamba", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"),
    *("wavtokenizer-dec", "nemotron_h", "nemotron_h_moe", "kimi-linear"),
}
_STILL_LAYERS = {  # some of whose layers it leaves as they are
    *("llama4", "smollm3", "cohere2", "cohere2moe", "exaone4", "exaone-moe", "afmoe"),
    *("smallthinker",),
}


def gguf_settings(config: Mapping[str, Any]) -> tuple[RotationSettings, ...] | None:
    """The settings in the metadata of a GGUF file; None for what are no such metadata."""
    name = config.get(ARCHITECTURE)
    if not isinstance(name, str):
        return None
    prefix = f"{name}."
    values = {
        key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)
    }
    if not _turns(name, values):
        return ()
    settings = _divisors(config) | {"theta": Setting(10000.0)}
    settings |= dict(settings_in(values, _KEYS, prefix))
    doubt = _doubt(name, settings)
    return tuple(
        replace(each, doubt=doubt) for each in _by_layers(name, values, _complete(settings), prefix)
    )


def _turns(name: str, values: Mapping[str, Any]) -> bool:
    """Whether llama.cpp turns q and k of this architecture."""
    if any(key.startswith("rope.") for key in values):
        is_off = values.get("rope.scaling.finetuned") is False
        return not (is_off and name.startswith("granite"))  # whose switch this is
    return name not in _STILL and _KEYS["heads"][0] in values


def _doubt(name: str, settings: Mapping[str, Setting]) -> str:
    """In words, what llama.cpp does with a file that does not say so; empty: nothing."""
    if name in _STILL_LAYERS:
        return f"llama.cpp leaves some layers of {name} unturned, and the file does not say which"
    given = RotationSettings(settings)
    for key, default in _BETAS.items():
        beta = given.number(key)
        if name not in _WITH_BETAS and beta not in (None, default):
            readers = " and ".join(_WITH_BETAS)
            return f"{given.path(key)} is {beta:g}, and llama.cpp reads it of {readers} alone"
    if given.value("kind") == "yarn" and "freqs" in settings:
        return f"{given.path('kind')} is yarn, beside {TENSORS['freqs']}"
    return ""


def _divisors(config: Mapping[str, Any]) -> dict[str, Setting]:
    """The divisors that its tensors hold; 1e30 is written for a pair that stands still."""
    tensors = {name: (config[key], key) for name, key in TENSORS.items() if key in config}
    return {
        name: Setting([min(x, _STANDS_STILL) for x in values], key)
        for name, (values, key) in tensors.items()
    }


def _complete(settings: dict[str, Setting]) -> dict[str, Setting]:
    """The settings as llama.cpp reads them together."""
    heads = settings.get("heads", Setting(0))
    if isinstance(heads.value, list) and heads.value:  # one number a layer
        settings["heads"] = Setting(heads.value[0], heads.path)
    _complete_scaling(settings)
    if "log_multiplier" in settings:  # DeepSeek's: the softmax is scaled, not cos and sin
        settings["attention"] = Setting(1.0, settings["log_multiplier"].path)
    if "sections" in settings:
        pairs = tuple(pairs for pairs in RotationSettings(settings).numbers("sections") if pairs)
        settings["sections"] = Setting(pairs, settings["sections"].path)
    return settings


def _complete_scaling(settings: dict[str, Setting]) -> None:
    """Give a scaling the type and the factor that llama.cpp takes where none is written."""
    given = RotationSettings(dict(settings))
    kind, factor = given.value("kind", "linear"), given.number("factor") or 1.0
    if freqs := settings.pop("freqs", None):
        settings |= {"short": freqs, "long": freqs}
    is_divided = "short" in settings and "long" in settings
    if kind == "none" or (factor == 1.0 and kind in ("linear", "yarn", "longrope")):
        settings.pop("factor", None)  # of no matter then
        settings.pop("kind", None)
    elif kind in ("linear", "longrope"):
        settings["kind"] = Setting("linear", given.path("kind"))
    if is_divided and kind != "yarn":
        _divide(settings, factor if kind != "none" else 1.0)
    if kind == "yarn" and factor != 1.0 and (attention := given.number("attention")):
        growth = 0.1 * math.log(max(factor, 1.0))  # a factor beside YaRN's own
        settings["attention"] = Setting(attention * (growth + 1), given.path("attention"))


def _divide(settings: dict[str, Setting], factor: float) -> None:
    """Turn divisors, and a factor beside them, into the settings of LongRoPE."""
    for name in ("short", "long"):
        divisors = RotationSettings(settings).numbers(name)
        settings[name] = Setting([factor * x for x in divisors], settings[name].path)
    settings["kind"] = Setting("longrope", settings.pop("kind", Setting("")).path)
    settings["factor"] = Setting(1.0)  # it gives the attention factor, which stands in the file
    settings.setdefault("attention", Setting(1.0))


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
