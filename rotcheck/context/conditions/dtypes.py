"""Shown bfloat16 first and float32 then, and the other way round: what the first call made may be kept."""

import torch

from rotcheck.context import orders
from rotcheck.context.evidence import DoesNotApply, Evidence
from rotcheck.context.known import RIGHT, Known
from rotcheck.context.trial import Trial
from rotcheck.convention import role_of

blames = "phase-shown"


def run(trial: Trial) -> Evidence:
    """Measure it shown bfloat16, then whether a float32 call is the same behind that as before."""
    if not _is_shown(trial.known):
        raise DoesNotApply("no call of it takes a tensor whose dtype could matter")
    positions, untouched = orders.taken(trial.asked(trial.fresh()), trial.known)
    made = trial.fresh()
    low, wide = trial.asked(made, torch.bfloat16), trial.asked(made)
    evidence = Evidence()
    low.run(positions)
    behind = wide.run(positions)
    if differ := orders.changed(untouched, behind):
        evidence.finding = "spoilt-by-dtype"
        off = orders.worst(trial.known, behind, positions)
        evidence.message = f"shown bfloat16 first, it gives other values for float32: {differ}, phase {off:.2g} rad off"
    evidence.curve = trial.sweep(trial.fresh(), torch.bfloat16)
    other = trial.fresh()
    trial.asked(other).run(positions)
    off = orders.worst(trial.known, trial.asked(other, torch.bfloat16).run(positions), positions)
    if off > RIGHT and not evidence.finding:
        evidence.finding = blames
        evidence.message = f"shown float32 first and then bfloat16, its phase is {off:.2g} rad off"
    return evidence


def _is_shown(known: Known) -> bool:
    shown = known.recipe and any(role_of(argument) == "x" for argument in known.recipe["arguments"])
    return known.kind == "both" or bool(shown)
