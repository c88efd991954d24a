"""What a configuration of a known architecture means where it says nothing."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rotcheck.model.declared.rotation_settings import Setting
from rotcheck.model.declared.spellings import KEYS, settings_in

_BY_HAND = (
    "partial",
    "sections",
    "interleaved_sections",
    "order",
    "axes",
    "dealt",
    "shared",
    "fractions",
)


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def architecture(model_type: Any, part: str) -> Mapping[str, Any]:
    """The defaults of an architecture; empty for one that we do not know.

    Args:
        model_type: as `config.json` names it.
        part: which part of a configuration it stands in: "vision_config", say.
    """
    towers = [kind for kind in ("vision", "audio") if kind in part.rpartition(".")[2]]
    names = [f"{model_type}_{kind}" for kind in towers] + [str(model_type), f"{model_type}_text"]
    return next((_table()[name] for name in names if name in _table()), {})


def default_sizes(defaults: Mapping[str, Any]) -> Iterator[tuple[str, Setting]]:
    """Yield the sizes of an architecture, as settings that no key gives."""
    for name, setting in settings_in(defaults, KEYS):
        yield name, Setting(setting.value)
    for name in _BY_HAND:
        if name in defaults:
            yield name, Setting(defaults[name])
