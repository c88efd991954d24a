"""Does `torch.func.vmap` give the same as separate calls?

Catches: a wrong vmap rule.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rotcheck.implementations.interface import Function
from rotcheck.measure.case import SEED, Case
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import refusal, worst
from rotcheck.measure.subject import Subject
from rotcheck.measure.transforms import compare_pairs

level = "full"
order = 60


def run(subject: Subject, case: Case) -> Evidence:
    """Map it over two problems with the same tables, and measure each against its own call."""
    problems = [case.pairs, tuple(slot.to(case.dtype).double() for slot in case.draw(SEED + 2))]
    call = case.call()
    plain = [case.read(subject.call(call.of(*case.inputs(slots)))) for slots in problems]
    batches = [torch.stack(inputs) for inputs in zip(*(case.inputs(slots) for slots in problems))]
    try:
        with subject.through(lambda function: _map(function, batches)):
            results = subject.call(case.call().of(*batches))
    except Exception as error:
        return inapplicable(f"torch.func.vmap does not take it: {refusal(subject, error)}")
    answers = []
    for at, slots in enumerate(problems):
        pairs = case.read([result[at] for result in results])
        message = "under torch.func.vmap it gives different values from a plain call"
        answers.append(compare_pairs(case, pairs, plain[at], slots, code="vmap", message=message))
    return worst(answers)


def _map(function: Function, batches: Sequence[Tensor]) -> Function:
    """Map over those arguments that are stacked; the others are the same for all."""

    def map_over_batches(*args: Any, **keyword: Any) -> Any:
        def call_with(*inputs: Tensor) -> Any:
            part_of = {id(whole): part for whole, part in zip(batches, inputs)}
            arguments = [part_of.get(id(value), value) for value in args]
            return function(
                *arguments,
                **{name: part_of.get(id(value), value) for name, value in keyword.items()},
            )

        return torch.func.vmap(call_with)(*batches)

    return map_over_batches
