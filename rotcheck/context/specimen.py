"""What a condition works on: an object, loaded anew as often as it likes, and how to measure it."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.angle_sources import AngleSource, Turns
from rotcheck.context.asked_positions import POSITIONS
from rotcheck.context.condition_result import ConditionResult, DoesNotApply
from rotcheck.context.sweep import Curve, Truth, sweep
from rotcheck.implementations import module_import
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.target import Target, resolve

# the last position to ask for, except as constructed, where all rows up to it must be rotated
LAST_OF_ROWS = 32767
SAMPLE = (0, 1, 2, 3, 257, 1000, 2049, 4095)


def module_of(target: Target) -> nn.Module:
    """The module whose state it uses. Raises `DoesNotApply` when there is none."""
    if isinstance(target.owner, nn.Module):
        return target.owner
    raise DoesNotApply("it is not a torch.nn.Module: it has no dtype to change")


@dataclass(frozen=True, slots=True)
class Specimen:
    """One object under one condition."""

    specification: str
    device: str
    profile: AngleProfile

    def fresh(self) -> Target:
        """Load the object anew, with the caches of its functions empty."""
        target = resolve(self.specification, self.device)
        target = target.narrow() if target.narrow else target
        module = sys.modules.get(module_import.name_of(self.specification.rpartition(":")[0]))
        for value in vars(module or object).values():
            empty = getattr(value, "cache_clear", None)
            if callable(empty):
                empty()
        return target

    def on_meta(self) -> Target:
        """Build the object once more, on meta.

        Raises `DoesNotApply` for an object that nothing builds, and whatever building it raises.
        """
        try:
            with torch.device("meta"):
                target = resolve(self.specification, "meta")
        except Unavailable as error:
            raise DoesNotApply(f"nothing of it can be on meta: {error}") from error
        if target.built is None:
            raise DoesNotApply(
                "it is a function, or an object that exists already: there is nothing to build on meta"
            )
        return target

    def source(
        self, target: Target | None = None, dtype: torch.dtype = torch.float32
    ) -> AngleSource:
        """What asks the object, or one anew, with a tensor of this dtype where it wants one."""
        return AngleSource((target or self.fresh()).function, self.profile, self.device, dtype)

    def sample(self) -> tuple[tuple[int, ...], Turns]:
        """Positions that the object claims and accepts, and what one call gives for them."""
        source = self.source()
        positions = tuple(position for position in SAMPLE if position < self.profile.judged_to)
        while len(positions) > 4:
            try:
                return positions, source.run(positions)
            except Exception:  # it accepts no position as large as this
                positions = positions[:-1]
        return positions, source.run(positions)

    def error(self, turns: Turns, positions: Sequence[int]) -> float:
        """The largest phase error, in radians."""
        return max(Truth(self.profile).errors(turns, positions))

    def sweep(
        self, target: Target, dtype: torch.dtype = torch.float32, most: int | None = None
    ) -> Curve:
        """Measure the object at hard positions, up to `most` or as far as that is quick."""
        rotates_rows = self.profile.kind == "both" and self.profile.asking == "from 0"
        last = max(LAST_OF_ROWS, self.profile.judged_to - 1) if rotates_rows else POSITIONS[-1]
        limit = last if most is None else most
        if self.profile.changes is not None:
            limit = min(limit, self.profile.changes - 1)
        return sweep(self.source(target, dtype), self.profile, limit)

    def cast(self, change: Callable[[nn.Module], object], dtype: torch.dtype) -> ConditionResult:
        """Cast its module, and measure it with tensors of that dtype."""
        target = self.fresh()
        change(module_of(target))
        return ConditionResult(self.sweep(target, dtype))
