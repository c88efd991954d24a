"""Inside a worker: the run of one implementation; of a function that was given it finds out first how it is called."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec

from rotcheck.identify import describe
from rotcheck.identify.called import called
from rotcheck.identify.describe import Identified
from rotcheck.identify.given import SEDD as NAMES
from rotcheck.identify.templates import templates
from rotcheck.implementations.load import SEDD, Target
from rotcheck.measure.device import call
from rotcheck.measure.subject import Subject
from rotcheck.rotary.conventions import Convention
from rotcheck.scrub import scrub
from rotcheck.train.batches import Batch
from rotcheck.train.rotation import Unfit
from rotcheck.train.trainer import Trainer


class Unidentified(Exception):
    """No call that was tried gives back a rotation; the message says what the likeliest one did."""


class Attempt:
    """Trains as its `Trainer` does, which `build` makes once it is known how the function of `subject` is called.

    One that declares nothing is identified at the first step. Where its arguments are called qkv, cos and sin it is
    taken at its word, and identified only if that step fails so. `identified` tells what was found, as plain data.
    """

    def __init__(self, subject: Subject, build: Callable[[], Trainer]) -> None:
        self._subject, self._build = subject, build
        self.identified: dict[str, Any] | None = None
        unsaid = subject.convention is SEDD
        self._by_its_names = unsaid and templates(subject.function)[:1] == [NAMES]
        self._trainer = None if unsaid and not self._by_its_names else build()

    @property
    def finite(self) -> bool:
        """Whether the last step's loss and gradient were."""
        return self._trainer is not None and self._trainer.finite

    def step(self, batch: Batch, *, held: bool) -> dict[str, Any]:
        """Take one step, as `Trainer.step`; raises `Unidentified`, and `Unfit` for what rotates nothing."""
        trainer = self._trainer or self._follow(_identified(self._subject))
        try:
            taken: dict[str, Any] = call(trainer.step, self._subject.device, (batch,), {"held": held})
        except Exception:
            other = self._of_another_form()
            if other is None:
                raise
            taken = self._follow(other).step(batch, held=held)
        self._by_its_names = False
        return taken

    def _of_another_form(self) -> Identified | None:
        """Identify what failed when it was called by its arguments' names; None: it does take that form, or none."""
        if not self._by_its_names:
            return None
        self._by_its_names = False
        try:
            found = _identified(self._subject)
        except (Unidentified, Unfit):
            return None
        return None if found.convention is None or found.convention.tables == SEDD.tables else found

    def _follow(self, found: Identified) -> Trainer:
        assert found.convention is not None, "it was identified"
        self.identified = _plain(found, found.convention)
        self._subject.convention = found.convention
        self._trainer = self._build()
        return self._trainer


def _identified(subject: Subject) -> Identified:
    with subject.running():
        found = describe.identified(Target(subject.function, None), subject.device)
    told = found.told
    if told.convention is not None and told.convention.kind == "builds":
        raise Unfit("it makes tables and rotates nothing: `rotcheck context` judges these")
    if told.convention is None and told.call is None:
        tried = f": {told.tried[0]}" if told.tried else ""
        raise Unidentified(scrub(f"{told.message}{tried}; `rotcheck identify` tells all that was tried"))
    if found.convention is None:
        raise Unfit(f"it rotates, and not the positions 0, 1, 2, ... of a model: {told.message}")
    return found


def _plain(found: Identified, convention: Convention) -> dict[str, Any]:
    """Return what was found as plain data, with the call in words."""
    return {
        "told": msgspec.to_builtins(found.told),
        "convention": asdict(convention),
        "called": called(convention),
    }
