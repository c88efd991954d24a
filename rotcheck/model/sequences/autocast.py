"""Under autocast, which computes products in bfloat16."""

import torch

from rotcheck.model.build.call_search import copy_of
from rotcheck.model.sequences.evidence.far_pass import FarPass, witnessed_pass
from rotcheck.model.sequences.evidence.row_difference import SAME_NARROW
from rotcheck.model.sequences.way import WayClosed, WayOutcome, WaySubject

TITLE = "under torch.autocast(dtype=torch.bfloat16)"


def run(subject: WaySubject) -> WayOutcome:
    """Call the model under autocast."""
    if subject.dtype != torch.float32:
        raise WayClosed("the model is not in float32")
    far = FarPass.of_subject(subject)
    world = torch.autocast(torch.device(subject.device).type, dtype=torch.bfloat16)
    error = 0.0
    for module in (subject.module, copy_of(subject.untouched)):  # which makes its tables under it
        records, _ = witnessed_pass(subject, module, far.inputs, world)
        difference = far.difference(records, SAME_NARROW)
        error = max(error, difference.error)
        if difference.words:
            return WayOutcome(TITLE, error, "phase-autocast", difference.words)
    return WayOutcome(TITLE, error)
