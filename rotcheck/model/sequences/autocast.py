"""Under autocast, which computes products in bfloat16."""

import torch
from torch.nn import Module

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
    error, note = 0.0, None
    for module in (subject.module, _fresh(subject)):
        if module is None:
            note = "not tried with tables that are made under it: the model cannot be made again"
            break
        records, _ = witnessed_pass(subject, module, far.inputs, world)
        difference = far.difference(records, SAME_NARROW)
        error = max(error, difference.error)
        if difference.words:
            return WayOutcome(TITLE, error, "phase-autocast", difference.words)
    return WayOutcome(TITLE, error, note=note)


def _fresh(subject: WaySubject) -> Module | None:
    """The model as it was before its first pass, which may have filled caches of tables."""
    try:
        module = subject.rebuild().to(subject.device)
        module.load_state_dict(subject.module.state_dict())
    except Exception:  # a stranger's constructor; the note says so
        return None
    return module.train(subject.module.training)
