"""The parts of a configuration, and what each says of its rotation, layer type by layer type."""

from collections.abc import Iterator, Mapping
from typing import Any

from rotcheck.model.declared.architectures import architecture, default_sizes
from rotcheck.model.declared.rotation_settings import RotationSettings, Setting
from rotcheck.model.declared.spellings import (
    INNER_KEYS,
    KEYS,
    LOCAL_THETAS,
    MAPPINGS,
    settings_in,
)

Settings = dict[str, Setting]
_NO_PARTS = ("attn_config", "quantization_config", "generation_config", "per_layer_config")
_PARTS = ("text_model", "encoder", "decoder")
_SIGNS = ("theta", "partial", "rotary_dim", "rope_lanes", "ratio", "condense")
FULL, SLIDING = "full_attention", "sliding_attention"
_SCALED = "its architecture has where a configuration says nothing"
_HEADS_OF_LAYERS = {FULL: "global_head_dim", SLIDING: "swa_head_dim"}  # Gemma 4, MiMo


def parts(config: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield a configuration and those within it, each with where it is ("text_config") and
    a model type, its own or that of the whole."""
    yield name, config
    for key, value in config.items():
        nested = isinstance(value, Mapping) and (key.endswith("_config") or key in _PARTS)
        if nested and key not in _NO_PARTS:
            is_tower = any(tower in key for tower in ("text", "vision", "audio"))
            whole = {"model_type": config.get("model_type")} if is_tower else {}
            inner = {**whole, **value}
            yield from parts(inner, f"{name}.{key}" if name else key)


def part_settings(part: str, values: Mapping[str, Any]) -> Iterator[RotationSettings]:
    """Yield what a part says of its rotation, once for each type of layers that it tells apart."""
    prefix = f"{part}." if part else ""
    defaults = architecture(values.get("model_type"), part)
    if _is_without_rotation(values, defaults):
        return
    settings = dict(default_sizes(defaults)) | _stated(values, prefix)
    mapping, at, problem = _mapping(values, prefix)
    mapping, problem = _with_outer_length(mapping, values, problem)
    is_sign = any(settings[name].path for name in _SIGNS if name in settings) or mapping or problem
    inner_parts = any(name for name, _ in parts(values) if name)
    if not is_sign and ("theta" not in defaults or inner_parts) and not _says_rope(values):
        return
    if not mapping:
        mapping, at = defaults.get("rope", {}), None
        theta = settings.get("theta", Setting(None))
        if theta.path and mapping and mapping.get("rope_type") != "axial":
            mapping, problem = {}, f"{theta.path} without the scaling that {_SCALED}"
    still = _still_layers(values)
    for layers, found in _by_layers(values, settings, mapping, at, defaults, prefix):
        yield RotationSettings(_complete(found, defaults), part, layers, still, problem)


def _stated(values: Mapping[str, Any], prefix: str) -> Settings:
    """What the keys beside the parameters of the rotation set."""
    attention = values.get("attn_config")  # MPT, DBRX
    inner = attention if isinstance(attention, Mapping) else {}
    tower = f"{prefix}{values.get('model_type')}"
    if "vision" in tower and values.get("embed_dim"):  # Qwen2-VL's hidden_size is the text's
        values = {**values, "hidden_size": values["embed_dim"]}
    outer = settings_in(values, KEYS, prefix)
    return dict(outer) | dict(settings_in(inner, KEYS, f"{prefix}attn_config."))


def _mapping(values: Mapping[str, Any], prefix: str) -> tuple[Mapping[str, Any], str | None, str]:
    """The parameters of the rotation, the path where they stand,
    and in words where two disagree."""
    found = {key: values[key] for key in MAPPINGS if isinstance(values.get(key), Mapping)}
    filled = {key: mapping for key, mapping in found.items() if mapping}
    if not filled:
        return {}, None, ""
    first = next(iter(filled))
    old = filled.get("rope_scaling", {}) if first == "rope_parameters" else {}
    rope = filled[first]
    different = [key for key in old if key in rope and old[key] != rope[key]]
    problem = ", ".join(
        f"{key} is {rope[key]!r} in rope_parameters and {old[key]!r} in rope_scaling"
        for key in different
    )
    return {**old, **rope}, f"{prefix}{first}.", problem


def _with_outer_length(
    mapping: Mapping[str, Any], values: Mapping[str, Any], problem: str
) -> tuple[Mapping[str, Any], str]:
    """The parameters without an original length that another outside of them replaces:
    LongRoPE's, as transformers reads it; in words where it is unclear which one holds."""
    key = "original_max_position_embeddings"
    inner, outer = mapping.get(key), values.get(key)
    if inner is None or outer is None or inner == outer:
        return mapping, problem
    if "short_factor" in mapping:
        return {name: value for name, value in mapping.items() if name != key}, problem
    return mapping, problem or f"{key} is {outer} outside of the scaling and {inner} in it"


def _by_layers(
    values: Mapping[str, Any],
    settings: Settings,
    mapping: Mapping[str, Any],
    at: str | None,
    defaults: Mapping[str, Any],
    prefix: str,
) -> Iterator[tuple[str, Settings]]:
    """Yield each type of layers with its settings; "" where all layers are alike."""
    nested = {key: value for key, value in mapping.items() if isinstance(value, Mapping)}
    there = set(values.get("layer_types") or nested)
    nested = {key: value for key, value in nested.items() if value and key in there} or nested
    local = next((key for key in LOCAL_THETAS if values.get(key) is not None), None)
    thetas = defaults.get("theta")
    if nested:
        for layers, inner in nested.items():
            own_theta = _default_theta(thetas, layers)
            path = None if at is None else f"{at}{layers}."
            own = _of_layers(values, defaults, layers, prefix)
            yield layers, own_theta | settings | _inner(inner, path) | own
        return
    scaling = _inner(mapping, at)
    if local or isinstance(thetas, Mapping):
        sliding = dict(settings) | _default_theta(thetas, SLIDING)
        if local:
            sliding["theta"] = Setting(values[local], f"{prefix}{local}")
        yield FULL, _default_theta(thetas, FULL) | settings | scaling
        both = local == "local_rope_theta" or "modernbert" in str(values.get("model_type"))
        yield (
            SLIDING,
            {**sliding, **({**scaling, "theta": sliding["theta"]} if both and scaling else {})},
        )
    elif "unscaled" in defaults and scaling:
        theta = {"theta": scaling["theta"]} if "theta" in scaling else {}
        yield FULL, _default_theta(thetas, "") | settings | scaling
        yield defaults["unscaled"], _default_theta(thetas, "") | settings | theta
    else:
        slides = values.get("sliding_window", 1) is not None
        layers = defaults.get("turning", "") if slides else ""
        yield layers, _default_theta(thetas, "") | settings | scaling


def _default_theta(thetas: Any, layers: str) -> Settings:
    theta = thetas.get(layers) if isinstance(thetas, Mapping) else thetas
    return {} if theta is None else {"theta": Setting(theta)}


def _inner(mapping: Mapping[str, Any], at: str | None) -> Settings:
    """The settings within the parameters of a rotation; of a default where `at` is None."""
    found = dict(settings_in(mapping, INNER_KEYS, at or ""))
    if at is None:
        return {name: Setting(setting.value) for name, setting in found.items()}
    holder = at.rstrip(".").rpartition(".")[2]
    if holder == "yarn" and "alpha" in found:  # Mistral's alpha and beta are YaRN's
        found["beta_slow"] = found.pop("alpha")
    if "kind" not in found and holder in ("rope_adjustments", "yarn"):
        scale = "llama3" if "low" in found else "linear"
        found["kind"] = Setting("yarn" if holder == "yarn" else scale)
    return found


def _of_layers(
    values: Mapping[str, Any], defaults: Mapping[str, Any], layers: str, prefix: str
) -> Settings:
    """What one type of layers has of its own: its head_dim, say."""
    key, types = _HEADS_OF_LAYERS.get(layers, ""), list(values.get("layer_types") or ())
    own = values.get("per_layer_config")
    for number, layer in (own if isinstance(own, Mapping) else {}).items():
        if layers in types and int(number) == types.index(layers):
            return dict(settings_in(layer, KEYS, f"{prefix}per_layer_config.{number}."))
    if values.get(key):
        return {"head_dim": Setting(values[key], f"{prefix}{key}")}
    return {"head_dim": Setting(defaults[key])} if key in defaults else {}


def _complete(settings: Settings, defaults: Mapping[str, Any]) -> Settings:
    """The settings with what follows from others."""
    if defaults.get("rope", {}).get("rope_type") == "axial":
        kind = settings.get("kind", Setting("default"))
        settings["kind"] = Setting("axial", kind.path) if kind.value == "default" else kind
    if "ratio" in settings:
        settings["theta"] = Setting(10000.0 * settings["ratio"].value, settings["ratio"].path)
    if "condense" in settings and "kind" not in settings:
        settings |= {"kind": Setting("linear"), "factor": settings["condense"]}
    if "unknown" in defaults:
        settings["unknown"] = Setting(defaults["unknown"])
    return settings


def _position_kind(values: Mapping[str, Any]) -> str:
    kinds = (values.get(f"position_embedding{s}_type") for s in ("", "s"))
    return next((str(kind).lower() for kind in kinds if kind), "")


def _says_rope(values: Mapping[str, Any]) -> bool:
    kind = _position_kind(values)
    return any(name in kind for name in ("rope", "rotary", "yarn"))


def _is_without_rotation(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    """Whether it says that nothing turns, or turns only where it says so, and it does not."""
    attention = values.get("attn_config")
    flags = {**values, **(attention if isinstance(attention, Mapping) else {})}
    other = _position_kind(values) not in ("", "none") and not _says_rope(values)
    no = any(flags.get(name) is False for name in ("rope", "rotary", "use_rope"))
    alibi = any(flags.get(name) is True for name in ("alibi", "use_alibi", "mla_use_nope"))
    unasked = defaults.get("only_if", "") not in _position_kind(values)
    return other or no or alibi or unasked or _position_kind(values) == "none"


def _still_layers(values: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of the layers that are to leave q and k as they are: Llama 4, SmolLM3."""
    turns, interval = values.get("no_rope_layers"), values.get("no_rope_layer_interval")
    if isinstance(turns, list) and turns:  # 1 where a layer turns
        return tuple(layer for layer, turn in enumerate(turns) if not turn)
    layers = values.get("num_hidden_layers")
    if ("no_rope_layers" not in values and not interval) or not isinstance(layers, int):
        return ()
    return tuple(layer for layer in range(layers) if (layer + 1) % (interval or 4) == 0)
