"""What Meta's params.json says of the rotation, as llama_models reads it."""

from collections.abc import Mapping
from typing import Any

from rotcheck.model.declared.rotation_settings import RotationSettings, Setting
from rotcheck.model.declared.spellings import settings_in

_KEYS = {
    "theta": ("rope_theta",),
    "head_dim": ("head_dim",),
    "width": ("dim",),
    "heads": ("n_heads",),
    "longest": ("max_seq_len",),
    "factor": ("rope_scaling_factor",),
    "high": ("rope_high_freq_factor",),
}
_SCALING = {"factor": 8.0, "low": 1.0, "high": 4.0, "original_length": 8192}
_SMALL = (2048, 3072)  # Llama 3.2 1B and 3B


def meta_settings(config: Mapping[str, Any]) -> tuple[RotationSettings, ...] | None:
    """The settings in a params.json of Meta; None for other configurations."""
    names = set(config)
    if not {"dim", "n_heads"} <= names or not names & {"norm_eps", "use_scaled_rope"}:
        return None
    if names & {"model_type", "yarn"}:
        return None
    settings = {"theta": Setting(10000.0)} | dict(settings_in(config, _KEYS))
    problem = ""
    if config.get("use_scaled_rope"):
        if "factor" not in settings and config["dim"] in _SMALL:
            problem = (
                "use_scaled_rope with no factor: Meta's code takes 8, "
                "and the config.json of Llama 3.2 of this size says 32"
            )
        defaults = {name: Setting(value) for name, value in _SCALING.items()}
        settings = defaults | settings | {"kind": Setting("llama3", "use_scaled_rope")}
    else:
        settings.pop("factor", None)
    return (RotationSettings(settings, problem=problem),)
