"""Which layer of a model a module belongs to, and of which type the configuration says it is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# parts of a model beside its text, each with what names its modules; not each runs in each call
SENSES = {
    "vision": r"vis|image", "audio": r"audio|speech|sound", "depth": "depth", "codec": "codec",
    "talker": "talker",
}  # fmt: skip
_INDEX = re.compile(r"(?<![^.])\d+(?![^.])")


def layer_of(module: str) -> int | None:
    """The index of the layer in a module's name: 3 of `model.layers.3.self_attn`."""
    index = _INDEX.search(module)
    return int(index[0]) if index else None


def layer_type(module: str, config: Mapping[str, Any] | None) -> str:
    """The type of the layer that a module belongs to; empty where the configuration has one only.

    `config`: as plain data; the types are its `layer_types`, or those of the part that the module
    belongs to by its name.
    """
    types = layer_types(config or {}, module)
    index = layer_of(module)
    if index is None or index >= len(types) or len(set(types)) < 2:
        return ""
    return str(types[index])


def suits(part: str, module: str) -> bool:
    """Whether a module may belong to a part of a configuration ("vision_config"), by its name."""
    sense = next((sense for sense in SENSES if sense in part), "")
    senses = [sense for sense, words in SENSES.items() if re.search(words, module.lower())]
    return sense in senses if sense else not senses


def layer_types(config: Mapping[str, Any], module: str = "") -> Sequence[Any]:
    """The type of each layer, as a configuration lists them; empty: it lists none.

    `module`: of a model in parts, by whose name the part is chosen; empty: that of its text.
    """
    parts = (x for key, x in config.items() if isinstance(x, Mapping) and suits(key, module))
    for part in (config, *parts):
        types = part.get("layer_types")
        if isinstance(types, list | tuple) and types:
            return types
    return ()


def joined(modules: Iterable[str]) -> str:
    """The names of several modules as one: `model.layers.{0,1}.self_attn`."""
    names = list(dict.fromkeys(modules))
    if len(names) < 2:
        return names[0] if names else ""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        index = _INDEX.search(name)
        key = (name[: index.start()], name[index.end() :]) if index else (name, "")
        groups.setdefault(key, []).append(index[0] if index else "")
    return ", ".join(
        f"{before}{{{','.join(numbers)}}}{after}"
        if len(numbers) > 1
        else before + numbers[0] + after
        for (before, after), numbers in groups.items()
    )
