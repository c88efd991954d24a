"""One part of a configuration: what it says beside and within the parameters of its rotation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rotcheck.model.declared.architectures import architecture, default_sizes
from rotcheck.model.declared.rotation_settings import Setting
from rotcheck.model.declared.spellings import INNER_KEYS, KEYS, LOCAL_THETAS, MAPPINGS, settings_in

Settings = dict[str, Setting]
_DEFAULT_SCALING = "its architecture has where a configuration says nothing"


@dataclass(frozen=True, slots=True)
class ConfigPart:
    """A part with what its architecture means where it says nothing.

    `mapping`: the parameters of its rotation, or those of its architecture, whose path is None.
    `problem`: in words, why they cannot be understood.
    """

    name: str  # "text_config"; "" for the whole
    values: Mapping[str, Any]
    defaults: Mapping[str, Any]
    settings: Settings  # of the keys beside the mapping
    mapping: Mapping[str, Any]
    path: str | None
    problem: str

    @property
    def prefix(self) -> str:
        """The path in front of its keys."""
        return f"{self.name}." if self.name else ""

    @property
    def local_theta(self) -> Setting | None:
        """What it says of theta in layers of sliding attention."""
        keys = (key for key in LOCAL_THETAS if self.values.get(key) is not None)
        return next((Setting(self.values[key], f"{self.prefix}{key}") for key in keys), None)

    def inner(self, mapping: Mapping[str, Any], path: str | None) -> Settings:
        """The settings within the parameters of a rotation."""
        settings = dict(settings_in(mapping, INNER_KEYS, path or ""))
        if path is None:
            return {name: Setting(setting.value) for name, setting in settings.items()}
        holder = path.rstrip(".").rpartition(".")[2]
        if holder == "yarn" and "alpha" in settings:  # Mistral's alpha and beta are YaRN's
            settings["beta_slow"] = settings.pop("alpha")
        if "kind" not in settings and holder in ("rope_adjustments", "yarn"):
            scale = "llama3" if "low" in settings else "linear"
            settings["kind"] = Setting("yarn" if holder == "yarn" else scale)
        return settings


def config_part(name: str, values: Mapping[str, Any]) -> ConfigPart:
    """A part as it is read.

    Args:
        name: where it stands: "text_config"; "" for the whole.
        values: its keys and values.
    """
    prefix = f"{name}." if name else ""
    defaults = architecture(values.get("model_type"), name)
    settings = dict(default_sizes(defaults)) | _outer_settings(values, prefix)
    mapping, path, problem = _mapping(values, prefix)
    mapping, problem = _with_outer_length(mapping, values, problem)
    part = ConfigPart(name, values, defaults, settings, mapping, path, problem)
    return part if mapping else _with_default_mapping(part)


def _with_default_mapping(part: ConfigPart) -> ConfigPart:
    """A part that gives no parameters, with those of its architecture;
    unclear where it gives a theta without them."""
    rope, theta = part.defaults.get("rope", {}), part.settings.get("theta", Setting(None))
    problem, is_axial = part.problem, rope.get("rope_type") == "axial"
    if rope and theta.path and not is_axial and not part.local_theta:
        problem = f"{theta.path} without the scaling that {_DEFAULT_SCALING}"
    mapping = {} if theta.path and not is_axial else rope
    if theta.path:  # of an axial rotation, whose default is another one
        mapping = {name: value for name, value in mapping.items() if name != "rope_theta"}
    return ConfigPart(part.name, part.values, part.defaults, part.settings, mapping, None, problem)


def _outer_settings(values: Mapping[str, Any], prefix: str) -> Settings:
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
    candidates = {key: values.get(key) for key in MAPPINGS}
    mappings = {
        key: value for key, value in candidates.items() if isinstance(value, Mapping) and value
    }
    if not mappings:
        return {}, None, ""
    first = next(iter(mappings))
    old = mappings.get("rope_scaling", {}) if first == "rope_parameters" else {}
    rope = mappings[first]
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
