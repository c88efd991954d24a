"""k with fewer heads than q (GQA, MQA): is each of its heads turned, and nothing else?"""

import inspect
import re
from collections.abc import Callable
from typing import Any

import torch

from rotcheck.identify.asking import memory_margins
from rotcheck.identify.asking.accepted_inputs import takes_fewer_heads
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.asking.question import ValueQuestion
from rotcheck.identify.call_outcome import result_or_none
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.outside_writes import outside
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, against
from rotcheck.results import Remark

HEADS = 4  # of q
GROUPS = (2, 1)  # heads of k
FIRST_POSITIONS = (0, 1, 2, 3)
_FEWER = re.compile(
    r"(kv|key_value|k)_?(n_?)?heads?|n_?kv|kv_?h\b|\bh_?kv\b|, kv,|\bkh\b|\bgqa\b|\bmqa\b|grouped|multi.?query|one head"
    r"|\b(q|k|query|key)\.(shape\[-?\d\]|size\(-?\d\)) *[!=<>]=? *(q|k|query|key)\.",
    re.IGNORECASE,
)


def _ask(function: FunctionUnderTest, sizes: Sizes, match: Match) -> list[Remark]:
    """Call it with fewer heads in k; a refusal is no fault.

    A fault is a mistake of a function that speaks of heads of k, and else worth knowing.
    """
    width = function.convention.head_dim or match.caller.probe.width
    for heads in GROUPS if takes_fewer_heads(function) else ():
        fault = _fault(function, Sizes(1, HEADS, heads, width, FIRST_POSITIONS))
        if fault:
            evidence = f"random values, {HEADS} heads in q and {heads} in k"
            message = f"with {heads} head{'s' * (heads > 1)} in k and {HEADS} in q {fault}"
            mistake = speaks_of_fewer(function.function)
            return [remark("gqa", message, evidence, mistake=mistake)]
    return []


def _fault(function: FunctionUnderTest, sizes: Sizes) -> str:
    """What is wrong with these sizes, in words; empty: nothing, or they are refused."""
    case = Case(function, torch.float32, sizes)
    slots = case.convention.slots
    call, margins_written = memory_margins.add_margins(case.call(), function.device)
    before = case.call().inputs
    outputs = result_or_none(lambda: function(call))
    if outputs is None:
        return ""
    names_outside = [name for name, is_written in zip(slots, margins_written()) if is_written]
    if names_outside:
        names = " and ".join(names_outside)
        return f"it {outside(names, 'the heads and strides of each')}"
    if against(case, outputs, case.truth).error > ROUNDING_LIMIT:
        code, message = explain(case, outputs)
        if code == "rounding":
            return "k comes back with other values than its tables give"
        return message
    changes = zip(slots, call.inputs, before, strict=True)
    overwritten = [name for name, now, then in changes if not torch.equal(now, then)]
    # of a single head, (B, 1, S, D) and (B, S, 1, D) are one memory: some write there by design
    if function.convention.in_place or sizes.kv_heads == 1 or not overwritten:
        return ""
    return f"it overwrites {' and '.join(overwritten)}, which it leaves alone otherwise"


def speaks_of_fewer(function: Callable[..., Any]) -> bool:
    """Whether a function's docstring or source speaks of heads of k apart from those of q."""
    definition = inspect.unwrap(function) if inspect.isroutine(function) else type(function)
    try:
        # what stands above it, its decorators, does not count
        source = inspect.getsource(definition).partition("def ")[2]
    except (OSError, TypeError):  # it was made at run time
        source = ""
    return _FEWER.search(f"{documentation(function)}\n{source}") is not None


QUESTION = ValueQuestion(round=4, rank=3, ask=_ask)
