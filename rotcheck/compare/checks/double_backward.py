"""Is the gradient of the gradient the rotation again?

Catches: a backward that is partly detached; flash-attn's for packed qkv, whose kernel rotates the
gradient in place without autograd noticing.
"""

from typing import Any

import torch

from rotcheck.measure.case import SEED, Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.other_calls import refusal
from rotcheck.measure.rounding_steps import (
    ROUNDING_LIMIT,
    is_rounding,
    measure,
    norms,
    with_position,
)
from rotcheck.measure.subject import Subject, Wrong

level = "full"
order = 50
traces = True
needs_values = True
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
    except Wrong:
        raise
    except Exception as error:
        words = f"autograd does not differentiate it twice: {refusal(subject, error)}"
        return Evidence(state="skipped", message=words, applies=False)
    if isinstance(second_gradient, str):
        return Evidence(state="skipped", message=second_gradient, applies=False)
    pairs = case.read(second_gradient)
    off = measure(pairs, truth, norms(directions), case.dtype, case.slack)
    wide = case.dtype == torch.float64 and off.error > ROUNDING_LIMIT
    narrow = (
        measure(pairs, truth, norms(directions), torch.float32, case.slack).error if wide else None
    )
    wrong = off.not_finite or not is_rounding(off.error, narrow)
    return Evidence(
        error=off.error,
        error_float32=narrow,
        where=with_position(case, off.where),
        not_finite=off.not_finite,
        finding="double-backward" if wrong else None,
        message="the gradient of its gradient is not the rotation of what flows back"
        if wrong
        else None,
    )


def _twice(subject: Subject, case: Case, directions: Any) -> Any:
    """What flows to where a gradient came from, laid out as results are; or why there is none."""
    call = case.call()
    leaves = [x.requires_grad_() for x in call.inputs]
    inputs = [leaf.clone() for leaf in leaves] if case.convention.in_place else leaves
    results = subject.call(call.of(*inputs))
    if not all(result.requires_grad for result in results):
        raise Wrong(
            "no-gradient", "the result carries no gradient: autograd does not see the rotation"
        )
    back = [
        flow.to(result.dtype).requires_grad_()
        for flow, result in zip(case.backwards(case.pairs), results)
    ]
    with subject.running():
        first = torch.autograd.grad(results, leaves, back, create_graph=True, allow_unused=True)
    if any(gradient is None for gradient in first):
        raise Wrong(
            "no-gradient", "no gradient reaches the input: autograd does not see the rotation"
        )
    if not all(gradient.requires_grad for gradient in first):
        return NO_GRAPH
    along = case.inputs(directions)
    with subject.running():
        second = torch.autograd.grad(first, back, along, allow_unused=True)
    return NO_GRAPH if any(result is None for result in second) else second
