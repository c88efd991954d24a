"""Which part of a model's configuration each of its modules holds."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch.nn import Module


def config_holders(model: Module) -> dict[str, str]:
    """The part that each module holds which has one: {"model.patcher": "patcher_config"}, and ""
    for the whole.

    A library may copy the part that it hands to a module: a copy is known by its class, where no
    other part is of that class, or by its values.
    """
    whole = getattr(model, "config", None)
    if not hasattr(whole, "to_dict"):
        return {}
    parts = {"": whole, **dict(_parts(whole))}
    holders = {
        name: _name_of(module.config, parts)
        for name, module in model.named_modules()
        if name and hasattr(module, "config")
    }
    return {name: part for name, part in holders.items() if part is not None}


def part_of(module: str, holders: Mapping[str, str]) -> str | None:
    """The part that a module holds, or the nearest one around it; None: none is known."""
    while module and module not in holders:
        module = module.rpartition(".")[0]
    return holders.get(module)


def _parts(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the configurations within one, each by its path: "thinker_config.text_config"."""
    for name, value in getattr(config, "__dict__", {}).items():
        if not name.startswith("_") and hasattr(value, "to_dict"):
            yield f"{prefix}{name}", value
            yield from _parts(value, f"{prefix}{name}.")


def _name_of(config: Any, parts: Mapping[str, Any]) -> str | None:
    """The path of the part that a configuration is; None: it is none, or it may be several."""
    itself = [name for name, part in parts.items() if part is config]
    alike = itself or [name for name, part in parts.items() if type(part) is type(config)]
    if len(alike) > 1 and hasattr(config, "to_dict"):
        alike = [name for name in alike if parts[name].to_dict() == config.to_dict()]
    return alike[0] if len(alike) == 1 else None
