"""The types of layers that a part of a configuration tells apart, with the settings of each."""

from collections.abc import Iterator, Mapping
from typing import Any

from rotcheck.model.declared.config_part import ConfigPart, Settings
from rotcheck.model.declared.rotation_settings import Setting
from rotcheck.model.declared.spellings import KEYS, settings_in

FULL, SLIDING = "full_attention", "sliding_attention"
_HEADS_OF_LAYERS = {FULL: "global_head_dim", SLIDING: "swa_head_dim"}  # Gemma 4, MiMo


def layer_settings(part: ConfigPart) -> Iterator[tuple[str, Settings]]:
    """Yield each type of layers with its settings; "" where all layers are alike."""
    if any(isinstance(value, Mapping) for value in part.mapping.values()):
        yield from _of_each_mapping(part)
    elif part.local_theta or isinstance(part.defaults.get("theta"), Mapping):
        yield from _by_theta(part)
    else:
        yield from _alike(part)


def _of_each_mapping(part: ConfigPart) -> Iterator[tuple[str, Settings]]:
    """Yield the types for which there are parameters of their own, as transformers 5 saves them."""
    mappings = {key: value for key, value in part.mapping.items() if isinstance(value, Mapping)}
    present = _layer_types(part) or list(mappings)
    mappings = {key: value for key, value in mappings.items() if key in present} or mappings
    for layers, mapping in mappings.items():
        path = None if part.path is None else f"{part.path}{layers}."
        outer = _default_theta(part, layers) | part.settings
        yield layers, outer | part.inner(mapping, path) | _sizes(part, layers)


def _by_theta(part: ConfigPart) -> Iterator[tuple[str, Settings]]:
    """Yield full and sliding attention, which have a theta each; a scaling is of the former,
    in ModernBERT of both."""
    scaling = part.inner(part.mapping, part.path)
    yield FULL, _default_theta(part, FULL) | part.settings | scaling
    local = part.local_theta
    theta = {"theta": local} if local else _default_theta(part, SLIDING)
    is_modern_bert = "modernbert" in str(part.values.get("model_type"))
    yield SLIDING, part.settings | (scaling if is_modern_bert else {}) | theta


def _alike(part: ConfigPart) -> Iterator[tuple[str, Settings]]:
    """Yield one type for all layers, or for those that turn; two where one is not scaled."""
    scaling = part.inner(part.mapping, part.path)
    outer = _default_theta(part, "") | part.settings
    plain = part.defaults.get("unscaled")
    slides = part.values.get("sliding_window", 1) is not None
    turning = part.defaults.get("turning", "") if slides else ""
    yield FULL if plain and scaling else turning, outer | scaling
    if plain and scaling:
        theta = {name: setting for name, setting in scaling.items() if name == "theta"}
        yield plain, outer | theta


def _default_theta(part: ConfigPart, layers: str) -> Settings:
    thetas = part.defaults.get("theta")
    theta = thetas.get(layers) if isinstance(thetas, Mapping) else thetas
    return {} if theta is None else {"theta": Setting(theta)}


def _layer_types(part: ConfigPart) -> list[Any]:
    """The type of each layer, where they are listed."""
    types = part.values.get("layer_types")
    return types if isinstance(types, list) else []


def _sizes(part: ConfigPart, layers: str) -> Settings:
    """What one type of layers has for itself: its head_dim, say."""
    values, key = part.values, _HEADS_OF_LAYERS.get(layers, "")
    types, by_layer = _layer_types(part), values.get("per_layer_config")
    first = types.index(layers) if layers in types else -1
    for number, layer in (by_layer if isinstance(by_layer, Mapping) else {}).items():
        if str(number).isdecimal() and int(number) == first and isinstance(layer, Mapping):
            return dict(settings_in(layer, KEYS, f"{part.prefix}per_layer_config.{number}."))
    if values.get(key):
        return {"head_dim": Setting(values[key], f"{part.prefix}{key}")}
    return {"head_dim": Setting(part.defaults[key])} if key in part.defaults else {}
