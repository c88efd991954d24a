"""What else a function takes: dtypes, sizes, inputs with gaps, fewer heads in k."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from rotcheck.errors import first_line
from rotcheck.identify.asking import memory_margins
from rotcheck.identify.asking.function_under_test import FunctionUnderTest, NoResult, try_values
from rotcheck.measure.case import USUAL, Case, Sizes
from rotcheck.measure.outside_writes import outside
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT
from rotcheck.rotary.tables import has_float64


def accepted_inputs(
    function: FunctionUnderTest, sizes: Sizes = USUAL
) -> tuple[dict[str, bool], dict[str, str]]:
    """Whether it takes each input that was tried, and what it raised where it does not."""
    answers: dict[str, bool] = {}
    refusals: dict[str, str] = {}
    for name, call in _calls(function, sizes).items():
        try:
            call()
        except Exception as error:  # a refusal is the answer, whatever is raised
            refusals[name] = f"{type(error).__name__}: {first_line(error)[:120]}"
        answers[name] = name not in refusals
    return answers, refusals


def takes_fewer_heads(function: FunctionUnderTest) -> bool:
    """Whether q and k are tensors of their own, with heads."""
    convention = function.convention
    return (
        {"q", "k"} <= set(convention.slots)
        and not convention.is_packed
        and bool(set("he") & set(convention.axes))
    )


def takes_narrower_tables(function: FunctionUnderTest, sizes: Sizes = USUAL) -> bool:
    """Whether narrower tables rotate fewer lanes and leave the rest, as in partial rotary."""
    convention = function.convention
    if not convention.takes_tables or convention.rotary_dim or convention.head_dim:
        return False
    narrow = replace(function, convention=replace(convention, rotary_dim=sizes.width // 4))
    trial = try_values(narrow, sizes)
    return trial is not None and trial.measurement.error <= ROUNDING_LIMIT


def _calls(function: FunctionUnderTest, sizes: Sizes) -> dict[str, Callable[[], Any]]:
    """The calls to try, by what they ask."""
    convention = function.convention

    def call_of(dtype: torch.dtype = torch.float32, **changes: Any) -> Callable[[], Any]:
        case = Case(function, dtype, replace(sizes, **changes))
        return lambda: function(case.call())

    calls = {"float16": call_of(torch.float16), "bfloat16": call_of(torch.bfloat16)}
    if has_float64(function.device.type):
        calls["float64"] = call_of(torch.float64)
    calls["inputs with gaps"] = lambda: _with_gaps(function, sizes)
    calls["one row"] = call_of(positions=sizes.positions[:1])
    if "b" in convention.axes:
        calls["an empty batch"] = call_of(batch=0)
    if takes_fewer_heads(function):
        calls["fewer heads in k"] = lambda: _within_bounds(function, replace(sizes, kv_heads=2))
    if convention.head_dim is None:
        calls["a head of 80 lanes"] = call_of(width=80)
    return calls


def _with_gaps(function: FunctionUnderTest, sizes: Sizes) -> Any:
    call = Case(function, torch.float32, sizes).call()
    return function(
        call.of(*(x.transpose(0, -2).contiguous().transpose(0, -2) for x in call.inputs))
    )


def _within_bounds(function: FunctionUnderTest, sizes: Sizes) -> None:
    """Call it. Raises `NoResult` if it writes outside of its tensors, and what it raises."""
    case = Case(function, torch.float32, sizes)
    call, margins_written = memory_margins.add_margins(case.call(), function.device)
    function(call)
    if any(margins_written()):
        raise NoResult(outside("its tensors"))
