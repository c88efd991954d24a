"""What a way of calling a model gets, and what comes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import dtype
from torch.nn import Module

from rotcheck.model.forward_pass import ForwardPass


class WayClosed(Exception):
    """A model cannot be called in this way; the message says why."""


class NotComparable(Exception):
    """What was seen in this way cannot be held against the whole pass; the message says why."""


@dataclass(frozen=True, slots=True)
class WaySubject:
    """A model, and its one pass over the whole sequence.

    `rebuild`: makes the module anew, on the CPU, in its dtype; its weights may be others.
    `whole`: the pass of `module` with `inputs`. `untouched`: the model as it was before that pass,
    which may have filled caches of tables; it has the same weights. `notes`: what a way leaves out.
    """

    module: Module
    inputs: Mapping[str, Any]
    config: Mapping[str, Any] | None
    device: str
    dtype: dtype
    rebuild: Callable[[], Module]
    whole: ForwardPass
    untouched: Module
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WayOutcome:
    """What came of a way.

    `error`: radians, the largest difference of an angle; None: no angle was seen. A `finding` says
    that the model is wrong; a `message` without one, why it is not known whether it is right.
    """

    what: str
    error: float | None = None
    finding: str | None = None
    message: str | None = None
    note: str | None = None
