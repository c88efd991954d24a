"""What the arguments of Megatron say of the rotation, as megatron-core reads them."""

import math
from collections.abc import Mapping
from typing import Any

from rotcheck.model.declared.rotation_settings import RotationSettings, Setting
from rotcheck.model.declared.spellings import settings_in

_SIGNS = {
    "rotary_base",
    "rotary_percent",
    "rotary_seq_len_interpolation_factor",
    "use_rope_scaling",
    "use_rotary_position_embeddings",
}
_KEYS = {
    "theta": ("rotary_base",),
    "partial": ("rotary_percent",),
    "interpolation": ("rotary_seq_len_interpolation_factor",),
    "head_dim": ("kv_channels",),
    "width": ("hidden_size",),
    "heads": ("num_attention_heads",),
    "longest": ("max_position_embeddings",),
    "sections": ("mrope_section",),
}
_LATENT = {  # of multi-latent attention
    "rope_lanes": ("qk_pos_emb_head_dim",),
    "nope_lanes": ("qk_head_dim",),
    "kind": ("rope_type",),
    "factor": ("rotary_scaling_factor",),
    "original_length": ("original_max_position_embeddings",),
    "beta_fast": ("beta_fast",),
    "beta_slow": ("beta_slow",),
    "mscale": ("mscale",),
    "mscale_all_dim": ("mscale_all_dim",),
}
_LATENT_DEFAULTS = {
    "rope_lanes": 64,
    "nope_lanes": 128,
    "kind": "yarn",
    "factor": 40,
    "original_length": 4096,
    "mscale": 1.0,
    "mscale_all_dim": 0.0,
}
_YARN = {
    "factor": ("yarn_rotary_scaling_factor",),
    "original_length": ("yarn_original_max_position_embeddings",),
    "beta_fast": ("yarn_beta_fast",),
    "beta_slow": ("yarn_beta_slow",),
    "mscale": ("yarn_mscale",),
    "mscale_all_dim": ("yarn_mscale_all_dim",),
    "truncate": ("yarn_correction_range_round_to_int",),
}
_LLAMA3 = {"kind": "llama3", "factor": 8.0, "low": 1.0, "high": 4.0, "original_length": 8192}


def megatron_settings(config: Mapping[str, Any]) -> tuple[RotationSettings, ...] | None:
    """The settings in Megatron's arguments, as `--rotary-base` or as rotary_base;
    None for other configurations."""
    names = {key: key.lstrip("-").replace("-", "_") for key in config}
    values = {names[key]: _number(value) for key, value in config.items()}
    paths = {name: key for key, name in names.items()}
    if "model_type" in config and not any(key.startswith("--") for key in config):
        return None
    kind = str(values.get("position_embedding_type", ""))
    if not _SIGNS & set(values) or "dim" in values:
        return None
    if kind not in ("", "rope", "mrope", "yarn"):
        return None if kind not in ("learned_absolute", "none", "relative") else ()
    if (
        not kind
        and not values.get("use_rotary_position_embeddings")
        and "rotary_base" not in values
    ):
        return None
    settings = {"theta": Setting(10000.0)} | dict(settings_in(values, _KEYS))
    settings, problem = _scaling(values, kind, settings)
    arguments = {name: _with_spelling(setting, paths) for name, setting in settings.items()}
    return (RotationSettings(arguments, problem=problem),)


def _number(value: Any) -> Any:
    """An argument as a number, if it is one."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _with_spelling(setting: Setting, paths: Mapping[str, str]) -> Setting:
    return Setting(setting.value, paths.get(setting.path, setting.path))


def _scaling(
    values: Mapping[str, Any], kind: str, settings: dict[str, Setting]
) -> tuple[dict[str, Setting], str]:
    """The settings with those of the scaling; in words why two of them cannot be understood."""
    interpolation = settings.pop("interpolation", None)
    scaling: dict[str, Setting] = {}
    if values.get("multi_latent_attention"):
        scaling = {name: Setting(value) for name, value in _LATENT_DEFAULTS.items()}
        scaling |= dict(settings_in(values, _LATENT))
        scaling["kind"] = Setting(
            {"rope": "default"}.get(scaling["kind"].value, "yarn"), scaling["kind"].path
        )
        if scaling["kind"].value == "default":
            del scaling["factor"]
    elif kind == "yarn":
        scaling = {"kind": Setting("yarn", "position_embedding_type")} | dict(
            settings_in(values, _YARN)
        )
    elif values.get("use_rope_scaling"):
        scaling = {name: Setting(value) for name, value in _LLAMA3.items()}
        scaling["kind"] = Setting("llama3", "use_rope_scaling")
        scaling |= dict(settings_in(values, {"factor": ("rope_scaling_factor",)}))
    elif interpolation:
        scaling = {"kind": Setting("linear"), "factor": interpolation}
    if interpolation and interpolation.value != 1 and scaling["kind"].value != "linear":
        return settings | scaling, f"two scalings: {interpolation.path} and {scaling['kind'].value}"
    return settings | _with_attention(scaling), ""


def _with_attention(scaling: dict[str, Setting]) -> dict[str, Setting]:
    """YaRN's with an mscale alone: megatron-core then takes mscale_all_dim as 0."""
    numbers = RotationSettings(scaling)
    scale, factor = numbers.number("mscale"), numbers.number("factor")
    if scale is None or factor is None or numbers.number("mscale_all_dim") != 0:
        return scaling
    attention = scale * 0.1 * math.log(max(factor, 1.0)) + 1
    rest = {name: setting for name, setting in scaling.items() if "mscale" not in name}
    return rest | {"attention": Setting(attention, numbers.path("mscale"))}
