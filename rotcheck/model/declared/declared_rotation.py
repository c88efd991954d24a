"""What a configuration declares about its rotation, as frequencies in float64."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from rotcheck.errors import first_line
from rotcheck.model.declared.config_settings import config_settings
from rotcheck.model.declared.declared_schedule import (
    UnclearDeclaration,
    declared_schedule,
    head_dim,
    rotary_dim,
    turning_lanes,
)
from rotcheck.model.declared.rotation_settings import RotationSettings
from rotcheck.rotary.schedules import DynamicNtk, LongRope, Proportional, Schedule

_LONG = 1 << 40  # longer than any sequence


@dataclass(frozen=True, slots=True)
class DeclaredRotation:
    """The rotation that a configuration declares, of all layers or of one type of them."""

    layers: str  # "" for all layers, or a type of them: "full_attention", "sliding_attention"
    schedule: Schedule | None  # None: declared in a way that we do not know, as `obstacle` says
    rotary_dim: int | None  # lanes that turn
    head_dim: int | None
    amplitude: float  # the attention factor, which cos and sin are multiplied with
    sections: tuple[int, ...]  # of M-RoPE, in pairs; else ()
    keys: Mapping[str, Any]  # what was read, by its path: {"rope_parameters.rope_theta": 500000.0}
    obstacle: str  # in words
    part: str = ""  # where it stands: "text_config"; "" at the top
    defaults: Mapping[str, Any] | None = None  # what no key says, and a definition does
    still_layers: tuple[int, ...] = ()  # the numbers of layers that are not to turn
    settings: RotationSettings = field(default_factory=RotationSettings)

    def frequencies(self, length: int) -> Tensor:
        """Radians a position, for a sequence of this length; of pairs that stand still 0.

        Returns:
            (P,), float64.

        Raises:
            ValueError: the schedule or its lanes are unknown, or do not fit one another.
        """
        if self.schedule is None or self.rotary_dim is None:
            raise ValueError(self.obstacle)
        lanes = self.rotary_dim
        if isinstance(self.schedule, Proportional) and self.head_dim:
            lanes = self.head_dim
        return at_length(self.schedule, length).inverse_frequencies(lanes)


def at_length(schedule: Schedule, length: int) -> Schedule:
    """The schedule as it is for a sequence of this length."""
    if isinstance(schedule, DynamicNtk | LongRope):
        return replace(schedule, length=length)
    return schedule


def declared_lengths(rotations: Sequence[DeclaredRotation]) -> list[int]:
    """The lengths that rotations declare: the original one, the longest, and of schedules that
    change beyond the original one the first such length, and that to which they extend it."""
    names = ("original_length", "longest")
    numbers = {rotation.settings.number(name) for rotation in rotations for name in names}
    for rotation in rotations:
        schedule = rotation.schedule
        if isinstance(schedule, DynamicNtk):
            numbers |= {schedule.original_length + 1, schedule.factor * schedule.original_length}
        elif isinstance(schedule, LongRope) and schedule.short != schedule.long:
            numbers.add(schedule.original_length + 1)
    return sorted(int(number) for number in numbers if number)


def declared_rotation(settings: RotationSettings) -> DeclaredRotation:
    """The rotation that settings declare."""
    by_name = {name: setting for name, setting in settings.settings.items() if name != "unknown"}
    keys = {setting.path: setting.value for setting in by_name.values() if setting.path}
    defaults = {name: setting.value for name, setting in by_name.items() if not setting.path}
    schedule, obstacle, lanes, amplitude = None, "", rotary_dim(settings), 1.0
    try:
        schedule = declared_schedule(settings)
        lanes = turning_lanes(settings, schedule)
        obstacle = _refusal(schedule, rotary_dim(settings))
        amplitude = schedule.attention_factor
    except UnclearDeclaration as error:
        obstacle = str(error)
    except ArithmeticError:  # of a logarithm of 1, say
        obstacle = f"{schedule} has no attention factor"
    return DeclaredRotation(
        layers=settings.layers,
        schedule=None if obstacle else schedule,
        rotary_dim=lanes,
        head_dim=head_dim(settings),
        amplitude=amplitude,
        sections=tuple(map(int, settings.numbers("sections"))),
        keys=keys,
        obstacle=obstacle,
        part=settings.part,
        defaults=defaults,
        still_layers=settings.still,
        settings=settings,
    )


def _refusal(schedule: Schedule, lanes: int | None) -> str:
    """In words, why this schedule cannot be over so many lanes; empty where it can."""
    if lanes is None:
        return "neither head_dim nor hidden_size and the number of heads"
    try:
        rows = [at_length(schedule, length).inverse_frequencies(lanes) for length in (1, _LONG)]
    except (ValueError, ArithmeticError) as error:
        return first_line(error) or f"{schedule} has no frequencies over {lanes} lanes"
    exact = all(bool(row.isfinite().all()) for row in rows)
    return "" if exact else f"{schedule} has no finite frequencies over {lanes} lanes"


def declared_rotations(config: Mapping[str, Any]) -> tuple[DeclaredRotation, ...]:
    """What a configuration declares about its rotation.

    Args:
        config: the contents of a config.json, a params.json or a GGUF file's metadata, or
            Megatron's arguments.

    Returns:
        A rotation for each part and each type of layers that it tells apart;
        none where it declares no rotation.
    """
    rotations = tuple(map(declared_rotation, config_settings(config)))
    if not any(rotation.part and rotation.schedule for rotation in rotations):
        return rotations
    # a whole without sizes of its own turns nothing: its keys are defaults, as in BLT
    return tuple(rotation for rotation in rotations if rotation.part or rotation.rotary_dim)
