"""What a condition works on: an object, loaded anew as often as it likes, and how to measure it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch

from rotcheck.context.angle_profile import POSITIONS, AngleProfile
from rotcheck.context.angle_sources import AngleSource, angle_source
from rotcheck.context.condition_result import DoesNotApply
from rotcheck.context.sweep import Curve, sweep
from rotcheck.implementations import instances, module_import
from rotcheck.implementations.instances import construct_as_file_does
from rotcheck.implementations.target import resolve

# the last position to ask for, except as constructed, where all rows up to it must be rotated
LAST_OF_ROWS = 32767


@dataclass(frozen=True, slots=True)
class Instance:
    """A loaded object: what is called, and the module whose state that uses, if there is one."""

    function: Callable[..., Any]
    owner: Any = None

    @property
    def module(self) -> torch.nn.Module:
        """The module. Raises `DoesNotApply` when there is none."""
        if isinstance(self.owner, torch.nn.Module):
            return self.owner
        raise DoesNotApply(
            "it is no torch.nn.Module: it has no dtype of its own that could be changed"
        )


def instance_of(function: Callable[..., Any]) -> Instance:
    """A loaded function, with the module or other object that it belongs to."""
    if isinstance(function, torch.nn.Module):
        return Instance(function, function)
    bearer = getattr(function, "__self__", None)
    if bearer is not None and hasattr(bearer, "__dict__") and not isinstance(bearer, type):
        return Instance(function, bearer)
    return Instance(function, None if hasattr(function, "__code__") else function)


class Specimen:
    """One object under one condition."""

    def __init__(self, specification: str, device: str, profile: AngleProfile) -> None:
        self._specification, self.device, self.profile = specification, device, profile

    def fresh(self) -> Instance:
        """Load the object anew, with the caches of its functions empty."""
        target = resolve(self._specification, self.device)
        instance = instance_of((target.narrow() if target.narrow else target).function)
        for value in vars(sys.modules.get(self._module(), object)).values():
            empty = getattr(value, "cache_clear", None)
            if callable(empty):
                empty()
        return instance

    def rebuild(self) -> Instance:
        """Build the object once more, in whatever mode torch is now.

        Raises `DoesNotApply` for an object that nothing builds, and whatever building it raises.
        """
        _, _, name = self._specification.rpartition(":")
        class_name, _, method = name.rpartition(".")
        module: Any = sys.modules[self._module()]
        attribute = reduce(getattr, name.split("."), module)
        owner = getattr(module, class_name, None) if class_name else None
        if instances.needs_construction(attribute):
            return instance_of(construct_as_file_does(attribute, module)[0])
        if owner is not None and instances.needs_construction(owner):
            return instance_of(getattr(construct_as_file_does(owner, module)[0], method))
        if instances.is_factory(attribute):
            return instance_of(attribute())
        raise DoesNotApply(
            "it is a function, or an object that stands there built: nothing is built on meta"
        )

    def source(self, instance: Instance, dtype: torch.dtype = torch.float32) -> AngleSource:
        """What asks the object for angles, with a tensor of this dtype where it wants one."""
        return angle_source(instance.function, self.profile, self.device, dtype)

    def sweep(
        self, instance: Instance, dtype: torch.dtype = torch.float32, most: int | None = None
    ) -> Curve:
        """Measure the object at hard positions, up to `most` or as far as that is quick."""
        rotates_rows = self.profile.kind == "both" and self.profile.asking == "from 0"
        last = max(LAST_OF_ROWS, self.profile.judged_to - 1) if rotates_rows else POSITIONS[-1]
        limit = last if most is None else most
        if self.profile.changes is not None:
            limit = min(limit, self.profile.changes - 1)
        return sweep(self.source(instance, dtype), self.profile, limit)

    def _module(self) -> str:
        return module_import.name_of(self._specification.rpartition(":")[0])
