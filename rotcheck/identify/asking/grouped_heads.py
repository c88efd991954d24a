"""k with fewer heads than q, as in grouped and multi query attention: is each of its heads turned, and nothing else?"""

import inspect
import re
from collections.abc import Callable
from typing import Any

import torch

from rotcheck.identify.asking import judged_function, memory_margins
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, against
from rotcheck.results import Remark

HEADS = 4  # of q
GROUPS = (2, 1)  # of k
ROWS = (0, 1, 2, 3)
_FEWER = re.compile(
    r"(kv|key_value|k)_?(n_?)?heads?|n_?kv|kv_?h\b|\bh_?kv\b|, kv,|\bkh\b|\bgqa\b|\bmqa\b|grouped|multi.?query|one head"
    r"|\b(q|k|query|key)\.(shape\[-?\d\]|size\(-?\d\)) *[!=<>]=? *(q|k|query|key)\.",
    re.IGNORECASE,
)


def takes_fewer(asked: judged_function.Function) -> bool:
    """Return whether q and k are tensors of their own, with heads."""
    convention = asked.convention
    return (
        {"q", "k"} <= set(convention.slots)
        and not convention.packed
        and bool(set("he") & set(convention.axes))
    )


def of_fewer(asked: judged_function.Function, width: int) -> list[Remark]:
    """Return what is wrong with k of fewer heads than q; none of a function that refuses it.

    It is a mistake of one that speaks of heads of k, and else worth knowing.
    """
    for heads in GROUPS if takes_fewer(asked) else ():
        wrong = _wrong(asked, Sizes(1, HEADS, heads, asked.convention.head_dim or width, ROWS))
        if wrong:
            seen = f"random values, {HEADS} heads in q and {heads} in k"
            words = f"with {heads} head{'s' * (heads > 1)} in k and {HEADS} in q {wrong}"
            return [remark("gqa", words, seen, mistake=speaks_of_fewer(asked.function))]
    return []


def _wrong(asked: judged_function.Function, sizes: Sizes) -> str:
    """Return what is wrong with these sizes, in words; empty: nothing, or they are refused."""
    case = Case(asked, torch.float32, sizes)
    call, spoilt = memory_margins.within(case.call(), asked.device)
    before = case.call().inputs
    try:
        found = asked(call)
    except Exception:  # it wants as many heads in k as in q
        return ""
    beside = [
        name for name, written in zip(case.convention.slots, spoilt(), strict=False) if written
    ]
    if beside:
        return f"it writes outside of {' and '.join(beside)}: look at the heads and strides of each"
    if against(case, found, case.truth).error <= ROUNDING_LIMIT:
        slots = zip(case.convention.slots, call.inputs, before, strict=True)
        changed = [name for name, now, then in slots if not torch.equal(now, then)]
        # of a single head, (B, 1, S, D) and (B, S, 1, D) are one memory: some write there by design, and copy any other
        own = not asked.convention.in_place and sizes.kv_heads > 1 and changed
        return (
            f"it overwrites {' and '.join(changed)}, which it leaves alone otherwise" if own else ""
        )
    code, words = explain(case, found)
    return "k comes back with other values than its tables give" if code == "rounding" else words


def speaks_of_fewer(function: Callable[..., Any]) -> bool:
    """Return whether a function's docstring or source speaks of heads of k apart from those of q."""
    own = inspect.unwrap(function) if inspect.isroutine(function) else type(function)
    try:
        source = inspect.getsource(own).partition("def ")[2]  # what stands above it is not its own
    except (OSError, TypeError):  # it was made at run time
        source = ""
    return _FEWER.search(f"{documentation(function)}\n{source}") is not None
