"""Which layer of a model a module belongs to, and of which type the configuration says it is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_INDEX = re.compile(r"(?<![^.])\d+(?![^.])")


def layer_of(module: str) -> int | None:
    """The index of the layer in a module's name: 3 of `model.layers.3.self_attn`."""
    index = _INDEX.search(module)
    return int(index[0]) if index else None


def layer_type(module: str, config: Mapping[str, Any] | None) -> str:
    """The type of the layer that a module belongs to; empty where the configuration has one only.

    `config`: as plain data; the types are its `layer_types`, or those of its `text_config`.
    """
    types = layer_types(config or {})
    index = layer_of(module)
    if index is None or index >= len(types) or len(set(types)) < 2:
        return ""
    return str(types[index])


def layer_types(config: Mapping[str, Any]) -> Sequence[Any]:
    """The type of each layer, as a configuration lists them; empty: it lists none."""
    for part in (config, *(value for value in config.values() if isinstance(value, Mapping))):
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
