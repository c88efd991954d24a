"""Under `torch.autocast` to bfloat16: the same inside and outside, whichever comes first."""

import torch

from rotcheck.context import orders
from rotcheck.context.evidence import Evidence
from rotcheck.context.trial import Trial

blames = "phase-autocast"


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
        evidence.message = f"first asked inside autocast, it gives other tables outside it too: {left}"
    elif differ:
        evidence.note = f"not the same bit by bit inside autocast and outside: {differ}"
    return evidence


def _autocast(device: str) -> torch.autocast:
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)
