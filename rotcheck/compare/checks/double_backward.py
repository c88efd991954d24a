"""Is the gradient of the gradient the rotation again?

Catches: a backward that is partly detached; flash-attn's for packed qkv, whose kernel rotates the
gradient in place without autograd noticing.
"""

import torch
from torch import Tensor

from rotcheck.compare.gradient_flow import check_gradients, check_graph, differentiable_call
from rotcheck.measure.case import SEED, Case, Slots
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import refusal
from rotcheck.measure.rounding_steps import measure_pairs, norms
from rotcheck.measure.subject import Subject

level = "full"
order = 50
traces = True
NO_GRAPH = "autograd does not differentiate it twice: its gradient has no graph that leads to what flows back"
needs_gradient = True


def run(subject: Subject, case: Case) -> Evidence:
    """The gradient turns what flows back by minus the angle; so its own gradient must turn by the
    angle again."""
    # of the gradient's gradient
    directions = tuple(slot.to(case.dtype).double() for slot in case.draw(SEED + 3))
    truth = case.rotated(directions, case.angles)
    try:
        second_gradient = _twice(subject, case, directions)
    except Exception as error:
        return inapplicable(f"autograd does not differentiate it twice: {refusal(subject, error)}")
    if second_gradient is None:
        return inapplicable(NO_GRAPH)
    pairs = case.read(second_gradient)
    off = measure_pairs(case, pairs, truth, norms(directions), or_float32=True)
    if off.is_rounding:
        return off.evidence()
    message = "the gradient of its gradient is not the rotation of what flows back"
    return off.evidence("double-backward", message)


def _twice(subject: Subject, case: Case, directions: Slots) -> list[Tensor] | None:
    """What flows to where a gradient came from, laid out as results are;
    None: there is no graph."""
    leaves, call = differentiable_call(case)
    results = subject.call(call)
    check_graph(results)
    back = [
        flow.to(result.dtype).requires_grad_()
        for flow, result in zip(case.backwards(case.pairs), results)
    ]
    with subject.running():
        first = torch.autograd.grad(results, leaves, back, create_graph=True, allow_unused=True)
    gradients = check_gradients(first)
    if not all(gradient.requires_grad for gradient in gradients):
        return None
    along = case.inputs(directions)
    with subject.running():
        second = torch.autograd.grad(gradients, back, along, allow_unused=True)
    there = [result for result in second if result is not None]
    return there if len(there) == len(second) else None
