"""What a condition gets: the object, loaded anew as often as it asks, and the means to measure it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch

from rotcheck.context.evidence import DoesNotApply
from rotcheck.context.known import POSITIONS, Known
from rotcheck.context.sources import Source, source
from rotcheck.context.sweep import Curve, sweep
from rotcheck.implementations import construct, importing, load

HEAVY = (
    # the last position that one is asked for which must rotate all rows up to it, save as
    # constructed
    32767
)


@dataclass(frozen=True, slots=True)
class Thing:
    """An object under test: what is called, and the module whose state that uses, if there is one."""

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


def thing(function: Callable[..., Any]) -> Thing:
    """Return a loaded object with the module or other object that it belongs to."""
    if isinstance(function, torch.nn.Module):
        return Thing(function, function)
    bound = getattr(function, "__self__", None)
    if bound is not None and hasattr(bound, "__dict__") and not isinstance(bound, type):
        return Thing(function, bound)
    return Thing(function, None if hasattr(function, "__code__") else function)


class Trial:
    """One object under one condition."""

    def __init__(self, specification: str, device: str, known: Known) -> None:
        self._specification, self.device, self.known = specification, device, known

    def fresh(self) -> Thing:
        """Load the object anew, the caches of its functions emptied."""
        found = load.find(self._specification, self.device)
        made = thing((found.narrow() if found.narrow else found).function)
        for each in vars(sys.modules.get(self._module(), object)).values():
            empty = getattr(each, "cache_clear", None)
            if callable(empty):
                empty()
        return made

    def rebuilt(self) -> Thing:
        """Build the object once more, in whatever mode torch is in now.

        Raises `DoesNotApply` for one that nothing builds, and what building it raises.
        """
        _, _, name = self._specification.rpartition(":")
        owner, _, method = name.rpartition(".")
        module: Any = sys.modules[self._module()]
        named = reduce(getattr, name.split("."), module)
        bound = getattr(module, owner, None) if owner else None
        if construct.needs_construction(named):
            return thing(load.constructed(named, module)[0])
        if bound is not None and construct.needs_construction(bound):
            return thing(getattr(load.constructed(bound, module)[0], method))
        if construct.is_factory(named):
            return thing(named())
        raise DoesNotApply(
            "it is a function, or an object that stands there built: nothing is built on meta"
        )

    def asked(self, made: Thing, dtype: torch.dtype = torch.float32) -> Source:
        """Return how to ask the object, shown a tensor of this dtype where it wants one."""
        return source(made.function, self.known, self.device, dtype)

    def sweep(
        self, made: Thing, dtype: torch.dtype = torch.float32, most: int | None = None
    ) -> Curve:
        """Measure the object at hard positions, up to `most` or as far as it takes little time."""
        heavy = self.known.kind == "both" and self.known.asking == "from 0"
        last = max(HEAVY, self.known.judged_to - 1) if heavy else POSITIONS[-1]
        wanted = last if most is None else most
        if self.known.changes is not None:
            wanted = min(wanted, self.known.changes - 1)
        return sweep(self.asked(made, dtype), self.known, wanted)

    def _module(self) -> str:
        return importing.name_of(self._specification.rpartition(":")[0])
