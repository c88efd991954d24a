"""What of a call changes nothing: an argument, or the tensor itself."""

import dis
import inspect
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention.calls import Call, arguments, results
from rotcheck.identify.asking.judged_function import Function
from rotcheck.identify.calling.match import Match
from rotcheck.identify.calling.templates import parameters
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.fences import apart

_RANK = re.compile(r"(cp|sp|ulysses|ring|context_parallel|sequence_parallel)_?rank")


def of_input(found: Match) -> bool:
    """Return whether the result is the same for any tensor that goes in: what comes back is made, and not rotated."""
    case = usual_case(found)
    try:
        one, other = (_results(found, _other_inputs(case.call(), seed)) for seed in (1, 2))
    except Exception:  # it was called by another size
        return False
    return _same(one, other)


def arguments_of(found: Match, names: list[str]) -> list[str]:
    """Return those of these arguments that change nothing, whatever is handed over."""
    known = [one.name for one in parameters(found.caller.function) or ()]
    return [name for name in names if name in known and _changes_nothing(found, known.index(name))]


def unread_ranks(function: Callable[..., Any]) -> list[str]:
    """Return the parameters that say which part of a sequence a process holds, and that the function never reads."""
    names = [one.name for one in parameters(function) or () if _RANK.fullmatch(one.name.lower())]
    code = getattr(inspect.unwrap(getattr(function, "forward", function)), "__code__", None)
    if not names or code is None:
        return []
    loads = (one.argval for one in dis.get_instructions(code) if one.opname.startswith("LOAD"))
    read = {name for each in loads for name in (each if isinstance(each, tuple) else (each,))}
    return [name for name in names if name not in read]


def usual_case(found: Match) -> Case:
    """Return the problem in the sizes in which a call was found."""
    probe = found.caller.probe
    sizes = Sizes(probe.batch, probe.heads, probe.heads, probe.width, probe.positions)
    return Case(
        Function(found.caller.function, found.convention, found.caller.device),
        found.caller.dtype,
        sizes,
    )


def _other_inputs(call: Call, seed: int) -> Call:
    generator = torch.Generator().manual_seed(seed)
    inputs = (apart(torch.randn(x.shape, generator=generator).to(x)) for x in call.inputs)
    return call.of(*inputs)


def _results(
    found: Match, call: Call, change: Callable[[list[Any]], None] | None = None
) -> tuple[Any, ...]:
    positional, keyword = arguments(found.convention, call)
    if change:
        change(positional)
    returned = found.caller.function(*positional, **keyword)
    return results(returned, call.inputs, returned is None)


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return all(
        isinstance(a, Tensor) and isinstance(b, Tensor) and torch.equal(a, b)
        for a, b in zip(one, other)
    )


def _changes_nothing(found: Match, at: int) -> bool:
    case = usual_case(found)
    try:
        usual = _results(found, case.call())
    except Exception:
        return False
    others = [
        _with(found, case, at, other)
        for other in (_scaled, _nothing, _padding(case.batch, case.length))
    ]
    ran = [each for each in others if each is not None]
    return bool(ran) and all(_same(each, usual) for each in ran)


def _with(found: Match, case: Case, at: int, other: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    """Return what comes of another value of one argument; None: it is refused."""

    def change(given: list[Any]) -> None:
        given[at] = other(given[at])

    try:
        return _results(found, case.call(), change)
    except Exception:  # it may take nothing else
        return None


def _scaled(value: Any) -> Any:
    return value + 1


def _nothing(value: Any) -> Any:
    return value * 0  # of a flag: False


def _padding(batch: int, length: int) -> Callable[[Any], Tensor]:
    """Return what makes a mask (B, S) of ones in which the first rows of a batch row are 0."""
    mask = torch.ones(batch, length, dtype=torch.int64)
    mask[0, :2] = 0
    return lambda value: mask
