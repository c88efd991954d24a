"""Does it give the same values when torch.compile's own compiler compiles it?

In float32, where torch.compile has what it needs.
"""

import torch

from rotcheck.implementations.compile_support import lack
from rotcheck.implementations.interface import Function
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import case_with
from rotcheck.measure.subject import Subject
from rotcheck.measure.transforms import compare, untraceable_because
from rotcheck.scrub import scrub

level = "full"
order = 90
traces = True
LENGTH = 11
WIDTH = 16  # lanes: compiling takes as long for few, and so does a wrong value show


def run(subject: Subject, case: Case) -> Evidence:
    """Compile it for one length and measure it against the plain function."""
    if case.dtype != torch.float32:
        message = "that takes seconds, and the code is the same except for the dtype"
        return inapplicable(f"it is compiled in float32 only: {message}")
    reason = untraceable_because(subject)
    if reason:
        return inapplicable(reason)
    there = case_with(case, Sizes(width=WIDTH, positions=tuple(range(LENGTH))))
    plain = subject.call(there.call())
    torch.compiler.reset()
    try:
        with subject.through(_compile):
            results = subject.call(there.call())
    except Exception as error:
        missing = lack(error, subject.device)
        if missing is None:
            raise
        return inapplicable(scrub(missing))
    message = "compiled by torch.compile, it gives different values"
    return compare(there, results, plain, code="compiled", message=message)


def _compile(function: Function) -> Function:
    import torch._inductor.config as config

    # else it starts as many processes as there are cores, for one function
    config.compile_threads = 1
    function_compiled: Function = torch.compile(function)
    return function_compiled
