"""Under `torch.autocast` to bfloat16: the same inside and outside, whichever comes first."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rotcheck.context import orders
from rotcheck.context.evidence import DoesNotApply, Evidence
from rotcheck.context.sources import reason
from rotcheck.context.trial import Trial

blames = "phase-autocast"
NONE = "there is no autocast to bfloat16"


def run(trial: Trial) -> Evidence:
    """Ask one object outside, and another one inside first and then outside."""
    positions, outside = orders.taken(trial.asked(trial.fresh()), trial.known)
    made = trial.fresh()
    asked = trial.asked(made)
    with _autocast(trial.device):
        inside = asked.run(positions)
    evidence = Evidence()
    left = orders.changed(outside, asked.run(positions))
    with _autocast(trial.device):
        evidence.curve = trial.sweep(trial.fresh())
    differ = orders.changed(outside, inside)
    if left:
        evidence.finding = "spoilt-by-autocast"
        evidence.message = (
            f"first asked inside autocast, it gives other tables outside it too: {left}"
        )
    elif differ:
        evidence.note = f"not the same bit by bit inside autocast and outside: {differ}"
    return evidence


@contextmanager
def _autocast(device: str) -> Iterator[None]:
    """Enter it. Raises `DoesNotApply` on a device that has none, or none to bfloat16."""
    kind = torch.device(device).type
    with warnings.catch_warnings(record=True) as said:  # it only warns, and does nothing then
        warnings.simplefilter("always")
        try:
            entered = torch.autocast(kind, dtype=torch.bfloat16)
        except (RuntimeError, AssertionError) as error:
            raise DoesNotApply(f"{NONE} on {kind}: {reason(error)}") from error
    with entered:
        if not torch.is_autocast_enabled(kind):
            raise DoesNotApply(f"{NONE} on {kind}: {'; '.join(str(each.message) for each in said)}")
        yield
