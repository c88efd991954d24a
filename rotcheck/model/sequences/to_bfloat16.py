"""After `.to(torch.bfloat16)`, which casts the buffers of frequencies and tables too."""

import torch
from torch.nn import Module

from rotcheck.model.build.precision import moved
from rotcheck.model.sequences.evidence.far_pass import FarPass, witnessed_pass
from rotcheck.model.sequences.evidence.module_copy import module_copy
from rotcheck.model.sequences.evidence.row_difference import SAME_NARROW
from rotcheck.model.sequences.way import WayClosed, WayOutcome, WaySubject

TITLE = "after .to(torch.bfloat16)"


def run(subject: WaySubject) -> WayOutcome:
    """Cast a copy of the model, and call it as the model itself."""
    if subject.dtype != torch.float32:
        raise WayClosed("the model is not in float32")
    far = FarPass.of_subject(subject)
    module = module_copy(subject.module).to(torch.bfloat16)
    records, _ = witnessed_pass(subject, module, moved(far.inputs, torch.bfloat16))
    difference = far.difference(records, SAME_NARROW)
    if not difference.words:
        return WayOutcome(TITLE, difference.error)
    names = ", ".join(_rounded_buffers(subject.module, module))
    cause = f": it rounds {names}" if names else ""
    return WayOutcome(TITLE, difference.error, "phase-cast", difference.words + cause)


def _rounded_buffers(module: Module, narrow: Module) -> list[str]:
    """The buffers that lost something."""
    buffers = dict(narrow.named_buffers())
    return [
        name
        for name, buffer in module.named_buffers()
        if name in buffers and not torch.equal(buffer, buffers[name].to(buffer.dtype))
    ]
