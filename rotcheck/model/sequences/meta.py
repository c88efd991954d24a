"""Built on meta, given memory by `to_empty()`, which is not initialised, then loaded."""

import itertools

import torch
from torch.nn import Module

from rotcheck.errors import first_line
from rotcheck.model.sequences.evidence.far_pass import FarPass, TurnDifference, witnessed_pass
from rotcheck.model.sequences.evidence.outcome_words import same_angle
from rotcheck.model.sequences.way import WayClosed, WayOutcome, WaySubject

TITLE = "built on meta, then to_empty() and load_state_dict()"
RESET = "reset_parameters"  # FSDP calls it on each module that was built on meta
START = "init_weights"  # what trainers call on a whole model that was built on meta
GARBAGE = 0.3  # what is put into memory that is not initialised


def run(subject: WaySubject) -> WayOutcome:
    """Fill the memory with a number, load the weights, and look what makes the rest again."""
    far = FarPass.of_subject(subject)
    tolerance = same_angle(subject.dtype)

    def measure(*methods: str) -> tuple[TurnDifference, Module]:
        module = _materialise(subject, methods)
        records, _ = witnessed_pass(subject, module, far.inputs)
        return far.difference(records, tolerance), module

    difference, module = measure()
    if not difference.words:
        return WayOutcome(TITLE, difference.error)
    names = ", ".join(_unwritten_buffers(module))
    for methods in ((RESET,), (RESET, START)):
        again, _ = measure(*methods)
        if not again.words:
            note = f"right once {methods[-1]}() was called, which makes {names} again"
            return WayOutcome(TITLE, again.error, note=note)
    words = f"{difference.words}: nothing makes {names} again, which no state dict holds"
    return WayOutcome(TITLE, difference.error, "lost-buffer", words)


def _materialise(subject: WaySubject, methods: tuple[str, ...]) -> Module:
    """Build the model on meta, give it memory, call these methods, and load the weights."""
    try:
        with torch.device("meta"):
            module = subject.rebuild()
    except Exception as error:  # a stranger's code, on a device without values
        raise WayClosed(f"it cannot be built on meta: {first_line(error)}") from error
    module = module.to_empty(device=subject.device)
    with torch.no_grad():
        for tensor in itertools.chain(module.parameters(), module.buffers()):
            tensor.fill_(GARBAGE if tensor.is_floating_point() or tensor.is_complex() else 0)
    for method in methods:
        _call_on_each(module, method)
    module.load_state_dict(subject.module.state_dict())
    return module.train(subject.module.training)


def _call_on_each(module: Module, method: str) -> None:
    """Call a method of a model; `reset_parameters` on each of its modules."""
    for owner in module.modules() if method == RESET else (module,):
        function = getattr(owner, method, None)
        if callable(function):
            function()


def _unwritten_buffers(module: Module) -> list[str]:
    """The buffers that hold what the memory held."""
    state = module.state_dict()
    return [
        name
        for name, buffer in module.named_buffers()
        if name not in state
        and bool((buffer == (GARBAGE if buffer.is_floating_point() else 0)).all())
    ]
