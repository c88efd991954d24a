"""Saved and loaded again: `save_pretrained` and `from_pretrained`, or the state dict."""

import tempfile

from torch.nn import Module

from rotcheck.model.sequences.evidence.far_pass import FarPass, witnessed_pass
from rotcheck.model.sequences.evidence.outcome_words import output_note, same_angle
from rotcheck.model.sequences.way import WayOutcome, WaySubject

TITLE = "saved and loaded again"


def run(subject: WaySubject) -> WayOutcome:
    """Save the model, load it into another one, and call that."""
    far = FarPass.of_subject(subject)
    module, words = _reload(subject)
    module.to(subject.device).train(subject.module.training)
    records, output = witnessed_pass(subject, module, far.inputs)
    difference = far.difference(records, same_angle(subject.dtype))
    way = f"{TITLE} by {words}"
    if difference.words:
        return WayOutcome(way, difference.error, "reload", difference.words)
    note = "" if output is None or far.output is None else output_note(output, far.output)
    return WayOutcome(way, difference.error, note=note or None)


def _reload(subject: WaySubject) -> tuple[Module, str]:
    """The model that was loaded, and how."""
    kind = type(subject.module)
    if hasattr(kind, "save_pretrained") and hasattr(kind, "from_pretrained"):
        with tempfile.TemporaryDirectory() as folder:
            subject.module.save_pretrained(folder)  # type: ignore[operator]
            module = kind.from_pretrained(folder)
        return module, "save_pretrained and from_pretrained"
    module = subject.rebuild()
    module.load_state_dict(subject.module.state_dict())
    return module, "its state dict"
