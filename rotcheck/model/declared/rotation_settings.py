"""What a configuration says of the rotation of one kind of layers, under one set of names."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

_LARGEST = 1e15  # of a number that a configuration means


def as_number(value: Any) -> float | None:
    """A value as a number; None for what is none, or for one that nobody means."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < _LARGEST else None


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, and the path of the key that gives it:
    "" where none does, and a definition's default stands."""

    value: Any
    path: str = ""


@dataclass(frozen=True, slots=True)
class RotationSettings:
    """The settings of one rotation: `theta`, `kind`, `factor`, ..., whatever their keys are called.

    `problem`: why they cannot be understood, in words; empty where they can. `doubt`: what the
    stack that reads them does beside them, in words.
    """

    settings: Mapping[str, Setting] = field(default_factory=dict)
    part: str = ""  # "text_config": of which part of a configuration
    layers: str = ""  # "sliding_attention"; empty: of all layers
    still: tuple[int, ...] = ()  # the numbers of the layers that do not turn
    problem: str = ""
    doubt: str = ""

    def value(self, name: str, default: Any = None) -> Any:
        """What is set under this name, or the default."""
        setting = self.settings.get(name)
        return default if setting is None or setting.value is None else setting.value

    def number(self, name: str) -> float | None:
        """The number under this name; None where there is none."""
        return as_number(self.value(name))

    def numbers(self, name: str) -> tuple[float, ...]:
        """The list of numbers under this name; empty where there is none."""
        value = self.value(name)
        numbers = [as_number(item) for item in value] if isinstance(value, (list, tuple)) else []
        return tuple(number for number in numbers if number is not None)

    def path(self, name: str) -> str:
        """The path of the key that sets this; empty where no key does."""
        setting = self.settings.get(name)
        return setting.path if setting else ""

    def change(self, **values: Any) -> "RotationSettings":
        """The same with other values: None takes a setting away."""
        changes = {name: Setting(value, self.path(name)) for name, value in values.items()}
        return replace(self, settings={**self.settings, **changes})
