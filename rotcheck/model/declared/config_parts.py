"""The parts of a configuration that speak of a rotation, and the settings of each."""

from collections.abc import Iterator, Mapping
from typing import Any

from rotcheck.model.declared.config_part import ConfigPart, Settings, config_part
from rotcheck.model.declared.layer_settings import layer_settings
from rotcheck.model.declared.rotation_settings import RotationSettings, Setting, as_number
from rotcheck.model.declared.spellings import KEYS

_NO_PARTS = ("attn_config", "quantization_config", "generation_config", "per_layer_config")
_PARTS = ("text_model", "encoder", "decoder")
_TOWERS = ("text", "vision", "audio")
_NANOCHAT = {"sequence_len", "n_head", "n_kv_head", "n_embd"}
_SIGNS = ("theta", "partial", "rotary_dim", "rope_lanes", "ratio", "condense")


def parts(config: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield a configuration and those within it, each with where it is ("text_config") and
    a model type, its own or that of the whole."""
    yield name, config
    for key, value in config.items():
        is_part = isinstance(value, Mapping) and (key.endswith("_config") or key in _PARTS)
        if is_part and key not in _NO_PARTS:
            tower = next((tower for tower in _TOWERS if tower in key), None)
            whole = {"model_type": f"{config.get('model_type')}_{tower}"} if tower else {}
            yield from parts({**whole, **value}, f"{name}.{key}" if name else key)


def _unsaid_theta(values: Mapping[str, Any]) -> str:
    """In words, why a theta is not known that its stack does not write down; empty elsewhere."""
    if values.get("use_dynamic_ntk") is True:
        return "use_dynamic_ntk: theta grows with the length by a rule of Qwen's own code"
    if set(values) >= _NANOCHAT and "model_type" not in values and not _says_theta(values):
        return "nanochat keeps its theta in its code: 10,000 at first, 100,000 later"
    return ""


def _says_theta(values: Mapping[str, Any]) -> bool:
    return any(values.get(key) is not None for key in KEYS["theta"])


def part_settings(name: str, values: Mapping[str, Any]) -> Iterator[RotationSettings]:
    """Yield what a part says of its rotation, once for each type of layers that it tells apart."""
    part = config_part(name, values)
    if problem := _unsaid_theta(values):
        yield RotationSettings(part.settings, name, problem=problem)
        return
    if _is_without_rotation(part) or not _speaks_of_rotation(part):
        return
    still = _still_layers(values)
    for layers, settings in layer_settings(part):
        yield RotationSettings(_complete(settings, part), name, layers, still, part.problem)


def _speaks_of_rotation(part: ConfigPart) -> bool:
    """Whether a key does, or its architecture is one that turns and it has no parts itself."""
    signs = (part.settings[name].path for name in _SIGNS if name in part.settings)
    is_whole = not any(name for name, _ in parts(part.values))
    has_key = any(signs) or part.path or part.problem or _says_rope(part.values)
    return bool(has_key) or ("theta" in part.defaults and is_whole)


def _complete(settings: Settings, part: ConfigPart) -> Settings:
    """The settings with what follows from others."""
    defaults = part.defaults
    if defaults.get("rope", {}).get("rope_type") == "axial":
        kind = settings.get("kind", Setting("default"))
        settings["kind"] = Setting("axial", kind.path) if kind.value == "default" else kind
    ratio = settings.get("ratio")
    if ratio and (times := as_number(ratio.value)):
        settings["theta"] = Setting(10000.0 * times, ratio.path)
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


def _is_without_rotation(part: ConfigPart) -> bool:
    """Whether it says that nothing turns, or turns only where it says so, and it does not."""
    attention, kind = part.values.get("attn_config"), _position_kind(part.values)
    flags = {**part.values, **(attention if isinstance(attention, Mapping) else {})}
    is_off = any(flags.get(name) is False for name in ("rope", "rotary", "use_rope"))
    has_alibi = any(flags.get(name) is True for name in ("alibi", "use_alibi", "mla_use_nope"))
    is_silent = part.defaults.get("only_if", "") not in kind
    flag = part.defaults.get("only_with")
    is_silent |= flag is not None and part.values.get(flag) is not True
    return is_off or has_alibi or is_silent or (kind != "" and not _says_rope(part.values))


def _still_layers(values: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of the layers that are to leave q and k as they are: Llama 4, SmolLM3."""
    turns, interval = values.get("no_rope_layers"), values.get("no_rope_layer_interval")
    if isinstance(turns, list) and turns:  # 1 where a layer turns
        return tuple(layer for layer, turn in enumerate(turns) if not turn)
    layers = values.get("num_hidden_layers")
    if ("no_rope_layers" not in values and not interval) or not isinstance(layers, int):
        return ()
    return tuple(layer for layer in range(layers) if (layer + 1) % (interval or 4) == 0)
