"""What a config.json of diffusers says of the rotation: a row of frequencies for each axis."""

from collections.abc import Mapping
from typing import Any

from rotcheck.model.declared.rotation_settings import RotationSettings, Setting
from rotcheck.model.declared.spellings import settings_in

_KEYS = {
    "theta": ("rope_theta",),
    "axes": ("axes_dims_rope", "rope_axes_dim", "axes_dim_rope"),
    "head_dim": ("attention_head_dim",),
    "width": ("hidden_size",),
    "heads": ("num_attention_heads",),
}
_OF_10000 = (  # classes that have no key for theta
    "FluxTransformer2DModel",
    "ChromaTransformer2DModel",
    "HiDreamImageTransformer2DModel",
    "LongCatImageTransformer2DModel",
    "Lumina2Transformer2DModel",
    "QwenImageTransformer2DModel",
)


def diffusers_settings(config: Mapping[str, Any]) -> tuple[RotationSettings, ...] | None:
    """The settings in a configuration of diffusers; None for other configurations."""
    name = config.get("_class_name")
    if name is None:
        return None
    settings = dict(settings_in(config, _KEYS))
    if "axes" not in settings and "theta" not in settings:
        return ()
    if name in _OF_10000:
        settings.setdefault("theta", Setting(10000.0))
    if "axes" not in settings:
        return (RotationSettings(settings, problem=f"how {name} shares a head out to its axes"),)
    settings["kind"] = Setting("axes", settings["axes"].path)
    return (RotationSettings(settings),)
