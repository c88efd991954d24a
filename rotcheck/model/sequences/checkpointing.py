"""Under activation checkpointing: each layer runs again in the backward pass."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, ModuleList
from torch.utils.checkpoint import checkpoint

from rotcheck.errors import first_line
from rotcheck.model.forward_pass import tensors_within
from rotcheck.model.sequences.evidence.far_pass import FarPass
from rotcheck.model.sequences.evidence.module_copy import module_copy
from rotcheck.model.sequences.evidence.outcome_words import ROUNDED, same_angle
from rotcheck.model.sequences.evidence.token_call import parameters_of
from rotcheck.model.sequences.way import WayClosed, WayOutcome, WaySubject
from rotcheck.witness.call_record import CallRecord
from rotcheck.witness.turn_forms import FormWitness

TITLE = "under activation checkpointing, forward and backward"


def run(subject: WaySubject) -> WayOutcome:
    """Wrap each layer of a copy of the model, and run it forward and backward."""
    far = FarPass.of_subject(subject)
    module = module_copy(subject.module)
    inputs = dict(far.inputs)
    if _may_take_no_cache(module):  # a layer that runs twice would write it twice
        inputs["use_cache"] = False
    plain, gradients = _train(subject, module, inputs)
    if not _wrap_layers(module):
        raise WayClosed("it has no list of layers, which could be checkpointed")
    records, gradients_again = _train_again(subject, module, inputs)
    forward, recomputation = records[: len(plain)], records[len(plain) :]
    difference = far.difference(forward, same_angle(subject.dtype))
    if not difference.words and recomputation:
        difference = far.difference(recomputation, same_angle(subject.dtype))
    if difference.words:
        return WayOutcome(TITLE, difference.error, "checkpoint", difference.words)
    off = _gradient_difference(gradients, gradients_again)
    words = f"each call turns alike, but a gradient differs by {off:.2g} of its largest value"
    note = None if recomputation else "what runs again in the backward pass was not seen here"
    return WayOutcome(TITLE, difference.error, message=words if off > ROUNDED else None, note=note)


def _may_take_no_cache(module: Module) -> bool:
    """Whether a model takes `use_cache`, or hands on what it takes, as transformers does."""
    names = parameters_of(module)
    has_switch = hasattr(getattr(module, "config", None), "to_dict")
    return "use_cache" in names or ("kwargs" in names and has_switch)


def _train(
    subject: WaySubject, module: Module, inputs: Mapping[str, Any]
) -> tuple[list[CallRecord], dict[str, Tensor]]:
    """One pass forward and backward: the calls that turned tensors, and the gradients."""
    with FormWitness(module, subject.whole.witness.calls) as witness:
        values = tensors_within(module(**inputs))
        output = next((x for x in values if x.is_floating_point() and x.requires_grad), None)
        if output is None:
            raise WayClosed("nothing that it returns requires a gradient")
        weights = torch.linspace(-1, 1, output.numel(), device=output.device)
        (output.float() * weights.reshape(output.shape)).sum().backward()  # type: ignore[no-untyped-call]
    pairs = ((name, weight.grad) for name, weight in module.named_parameters())
    gradients = {name: gradient for name, gradient in pairs if gradient is not None}
    module.zero_grad(set_to_none=True)
    return witness.calls, gradients


def _train_again(
    subject: WaySubject, module: Module, inputs: Mapping[str, Any]
) -> tuple[list[CallRecord], dict[str, Tensor]]:
    """A second pass, with layers that run again. A model that keeps a graph from its first pass may
    take no second one at all, with or without them."""
    try:
        return _train(subject, module, inputs)
    except Exception:  # a stranger's model: is it the layers that run again?
        plain = module_copy(subject.module)
        _train(subject, plain, inputs)
        try:
            _train(subject, plain, inputs)
        except Exception as error:
            words = f"a second step raises without it too: {first_line(error)}"
            raise WayClosed(words) from error
        raise


def _wrap_layers(module: Module) -> bool:
    """Have each layer of a module run again in the backward pass. Whether there is one."""
    lists = [part for part in module.modules() if isinstance(part, ModuleList)]
    inner = {id(part) for outer in lists for layer in outer for part in layer.modules()}
    layers = [layer for outer in lists if id(outer) not in inner for layer in outer]
    for layer in layers:
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
    return bool(layers)


def _gradient_difference(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> float:
    """The largest difference of a gradient, in parts of its largest value."""
    off = [
        float((second[name] - first[name]).abs().max() / first[name].abs().max().clamp_min(1e-30))
        for name in first
        if name in second and bool(first[name].any())
    ]
    return max(off, default=0.0)
