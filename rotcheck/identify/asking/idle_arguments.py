"""What of a call changes nothing: an argument, or the tensor itself."""

import dis
import inspect
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention.calls import Call, arguments, results
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.call_outcome import result_or_none
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.parameters import parameters
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.fences import apart

_RANK = re.compile(r"(cp|sp|ulysses|ring|context_parallel|sequence_parallel)_?rank")


def ignores_input(match: Match) -> bool:
    """Whether the result is the same for any input: it is made, and not rotated."""
    case = usual_case(match)
    calls = (_with_inputs(case.call(), seed) for seed in (1, 2))
    outputs = result_or_none(lambda: [_outputs(match, call) for call in calls])
    return outputs is not None and _equal_outputs(*outputs)


def idle_arguments(match: Match, names: Sequence[str]) -> list[str]:
    """Those of these arguments that change nothing, whatever is handed over."""
    places = [parameter.name for parameter in parameters(match.caller.function) or ()]
    return [
        name for name in names if name in places and _changes_nothing(match, places.index(name))
    ]


def unread_ranks(function: Callable[..., Any]) -> list[str]:
    """The parameters that say which part of a sequence a rank holds, and are never read."""
    ranks = [
        parameter.name
        for parameter in parameters(function) or ()
        if _RANK.fullmatch(parameter.name.lower())
    ]
    code = getattr(inspect.unwrap(getattr(function, "forward", function)), "__code__", None)
    if not ranks or code is None:
        return []
    loads = (
        parameter.argval
        for parameter in dis.get_instructions(code)
        if parameter.opname.startswith("LOAD")
    )
    read = {name for names in loads for name in (names if isinstance(names, tuple) else (names,))}
    return [name for name in ranks if name not in read]


def usual_case(match: Match) -> Case:
    """The problem in the sizes in which a call was found."""
    caller, probe = match.caller, match.caller.probe
    function = FunctionUnderTest(caller.function, match.convention, caller.device)
    sizes = Sizes(probe.batch, probe.heads, probe.heads, probe.width, probe.positions)
    return Case(function, caller.dtype, sizes)


def _with_inputs(call: Call, seed: int) -> Call:
    """The same call with random tensors."""
    generator = torch.Generator().manual_seed(seed)
    inputs = (apart(torch.randn(x.shape, generator=generator).to(x)) for x in call.inputs)
    return call.of(*inputs)


def _outputs(
    match: Match,
    call: Call,
    at: int | None = None,
    change: Callable[[Any], Any] = lambda value: value,
) -> tuple[Any, ...]:
    """What a call returns; `change` gives another value for the argument in the place `at`."""
    positional, keyword = arguments(match.convention, call)
    if at is not None:
        positional[at] = change(positional[at])
    result = match.caller.function(*positional, **keyword)
    return results(result, call.inputs, result is None)


def _equal_outputs(first: tuple[Any, ...], second: tuple[Any, ...]) -> bool:
    return all(
        isinstance(a, Tensor) and isinstance(b, Tensor) and torch.equal(a, b)
        for a, b in zip(first, second)
    )


def _changes_nothing(match: Match, at: int) -> bool:
    """Whether the argument at a place may have other values, and none of them has an effect."""
    case = usual_case(match)
    changes: tuple[Callable[[Any], Any], ...] = (
        lambda value: value,
        lambda value: value + 1,
        lambda value: value * 0,  # of a flag: False
        lambda value: _padding_mask(case.batch, case.length),
    )
    usual, *others = (
        result_or_none(partial(_outputs, match, case.call(), at, change)) for change in changes
    )
    outputs = [output for output in others if output is not None]
    return (
        usual is not None
        and bool(outputs)
        and all(_equal_outputs(output, usual) for output in outputs)
    )


def _padding_mask(batch: int, length: int) -> Tensor:
    """A mask (B, S) of ones in which the first rows of a batch row are 0."""
    mask = torch.ones(batch, length, dtype=torch.int64)
    mask[0, :2] = 0
    return mask
