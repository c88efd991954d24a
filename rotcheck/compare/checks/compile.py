"""Does `torch.compile(fullgraph=True)` accept it, and give the same values?

Six lengths may take at most three graphs.

Catches: graph breaks, a compilation for each length.
"""

from typing import Any

import torch

from rotcheck.implementations.interface import Function
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import case_with, refusal, worst
from rotcheck.measure.subject import Subject
from rotcheck.measure.transforms import compare, untraceable_because
from rotcheck.scrub import scrub

level = "full"
order = 80
traces = True
LENGTHS = (5, 6, 8, 11, 21, 40)
GRAPHS = 3  # the first, the one for any length, and one more


def run(subject: Subject, case: Case) -> Evidence:
    """Trace it with `fullgraph=True` for six lengths, run the traces, and count the graphs."""
    reason = untraceable_because(subject)
    if reason:
        return inapplicable(reason)
    cases = [case_with(case, Sizes(positions=tuple(range(length)))) for length in LENGTHS]
    plain = [subject.call(there.call()) for there in cases]
    _forget()
    answers = []
    with subject.through(_trace):
        for there, plain_results in zip(cases, plain):
            try:
                traced_results = subject.call(there.call())
            except Exception as error:
                return _refusal_evidence(subject, error, there.length)
            message = f"traced by torch.compile, it gives different values ({there.length} rows)"
            answers.append(
                compare(there, traced_results, plain_results, code="compiled", message=message)
            )
    graphs = _graphs()
    if graphs > GRAPHS:
        message = f"torch.compile traces it {graphs} times for {len(LENGTHS)} lengths: each new length compiles anew"
        return Evidence(finding="recompiles", message=message)
    return worst(answers)


def _trace(function: Function) -> Function:
    function_traced: Function = torch.compile(function, backend="eager", fullgraph=True)
    return function_traced


def _forget() -> None:
    """Have torch.compile begin anew, with no graph and no count of them."""
    from torch._dynamo.utils import counters

    torch.compiler.reset()
    counters.clear()


def _graphs() -> int:
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])


def _refusal_evidence(subject: Subject, error: Exception, length: int) -> Evidence:
    kind: Any = torch._dynamo.exc
    if not isinstance(error, (kind.Unsupported, kind.UserError, kind.TorchRuntimeError)):
        raise error
    why = next((line.strip() for line in str(error).splitlines() if "Explanation:" in line), "")
    reason = f"{refusal(subject, error)}. {scrub(why.removeprefix('Explanation: '))}".rstrip(". ")
    message = f"torch.compile(fullgraph=True) does not take it ({length} rows): {reason}"
    return Evidence(finding="graph-break", message=message)
