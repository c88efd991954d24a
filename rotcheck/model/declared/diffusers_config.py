"""What a config.json of diffusers says of the rotation: a row of frequencies for each axis."""

from collections.abc import Mapping
from typing import Any

from rotcheck.model.declared.rotation_settings import RotationSettings, Setting
from rotcheck.model.declared.spellings import settings_in

_KEYS = {
    "theta": ("rope_theta",),
    "axes": ("axes_dims_rope", "rope_axes_dim", "axes_dim_rope", "axes_dims"),
    "head_dim": ("attention_head_dim",),
    "width": ("hidden_size",),
    "heads": ("num_attention_heads",),
}
_ROWS = {  # classes each of whose axes has a row of its own, and their theta where no key gives it
    "BriaFiboTransformer2DModel": None,
    "BriaTransformer2DModel": None,
    "ChromaTransformer2DModel": 10000.0,
    "ErnieImageTransformer2DModel": None,
    "Flux2Transformer2DModel": None,
    "FluxTransformer2DModel": 10000.0,
    "HiDreamImageTransformer2DModel": 10000.0,
    "HunyuanImageTransformer2DModel": None,
    "HunyuanVideo15Transformer3DModel": None,
    "HunyuanVideoTransformer3DModel": None,
    "LongCatImageTransformer2DModel": 10000.0,
    "Lumina2Transformer2DModel": 10000.0,
    "OvisImageTransformer2DModel": 10000.0,
    "QwenImageTransformer2DModel": 10000.0,
}
_SIXTHS = (  # classes that give height and width a third of a head each, and time the rest
    "SkyReelsV2Transformer3DModel",
    "WanAnimateTransformer3DModel",
    "WanTransformer3DModel",
    "WanVACETransformer3DModel",
)


def diffusers_settings(config: Mapping[str, Any]) -> tuple[RotationSettings, ...] | None:
    """The settings in a configuration of diffusers; None for other configurations."""
    name = config.get("_class_name")
    if name is None:
        return None
    settings = dict(settings_in(config, _KEYS))
    head = settings.get("head_dim", Setting(None)).value
    if name in _SIXTHS and isinstance(head, int):
        side = 2 * (head // 6)
        settings |= {"theta": Setting(10000.0), "axes": Setting([head - 2 * side, side, side])}
    elif "axes" not in settings and "theta" not in settings:
        return ()
    elif name not in _ROWS or "axes" not in settings:
        settings["unknown"] = Setting(f"how {name} shares a head out to its axes is not known")
    elif _ROWS[name]:
        settings.setdefault("theta", Setting(_ROWS[name]))
    settings["kind"] = Setting("axes", settings.get("axes", Setting(None)).path)
    return (RotationSettings(settings),)
