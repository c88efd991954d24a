"""Does `torch.func.vmap` give what calls one by one give?

Catches: a wrong vmap rule.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rotcheck.implementations.interface import Function
from rotcheck.measure.case import SEED, Case
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.other_calls import refusal, worst
from rotcheck.measure.subject import Subject
from rotcheck.measure.transforms import compare_pairs

level = "full"
order = 60
needs_values = True


def run(subject: Subject, case: Case) -> Evidence:
    """Map it over two problems with the same tables, and measure each against its own call."""
    problems = [case.pairs, tuple(slot.to(case.dtype).double() for slot in case.drawn(SEED + 2))]
    call = case.call()
    plain = [case.read(subject.call(call.of(*case.inputs(slots)))) for slots in problems]
    stacked = [torch.stack(each) for each in zip(*(case.inputs(slots) for slots in problems))]
    try:
        with subject.through(lambda function: _mapped(function, stacked)):
            results = subject.call(case.call().of(*stacked))
    except Exception as error:
        words = f"torch.func.vmap does not take it: {refusal(subject, error)}"
        return Evidence(state="skipped", message=words, applies=False)
    answers = []
    for at, slots in enumerate(problems):
        found = case.read([result[at] for result in results])
        words = "under torch.func.vmap it gives other values than when it is called"
        answers.append(compare_pairs(case, found, plain[at], slots, code="vmap", words=words))
    return worst(answers)


def _mapped(function: Function, stacked: Sequence[Tensor]) -> Function:
    """Map over those arguments that are stacked; the others are the same for all."""

    def mapped(*args: Any, **keyword: Any) -> Any:
        def one(*inputs: Tensor) -> Any:
            own = {id(whole): part for whole, part in zip(stacked, inputs)}
            given = [own.get(id(value), value) for value in args]
            return function(
                *given, **{name: own.get(id(value), value) for name, value in keyword.items()}
            )

        return torch.func.vmap(one)(*stacked)

    return mapped
