"""A function with the convention by which it is called: what a `Case` can be made for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.convention.calls import Call, arguments, results
from rotcheck.identify.call_outcome import result_or_none
from rotcheck.measure.case import USUAL, Case, Sizes
from rotcheck.measure.hypotheses import explain, fault
from rotcheck.measure.rounding_steps import Measurement, against

Fault = tuple[str, str]
"""What is wrong: the code of a finding, and words for it."""


class NoResult(Exception):
    """A call did not give back tensors like those it was given."""


@dataclass(frozen=True, slots=True)
class FunctionUnderTest:
    """A function, the convention by which it is called, and the device it is called on.

    `on_cpu`: the same function there, of one that lives on another device.
    """

    function: Callable[..., Any]
    convention: Convention
    device: torch.device
    on_cpu: Callable[..., Any] | None = None

    @property
    def cpu_first(self) -> "tuple[FunctionUnderTest, ...]":
        """The function on the CPU, to be asked first for what may lie past the end of a table."""
        cpu = torch.device("cpu")
        return (FunctionUnderTest(self.on_cpu, self.convention, cpu),) if self.on_cpu else ()

    def __call__(self, call: Call) -> tuple[Tensor, ...]:
        """Call it; raises `NoResult`, and what the function raises."""
        positional, keyword = arguments(self.convention, call)
        result = self.function(*positional, **keyword)
        outputs = results(result, call.inputs, result is None)
        pairs = zip(outputs, call.inputs)
        if not all(isinstance(output, Tensor) and output.shape == x.shape for output, x in pairs):
            raise NoResult("returns no tensors like those it was given")
        return outputs


def measure(
    function: FunctionUnderTest, sizes: Sizes = USUAL, dtype: torch.dtype = torch.float32
) -> Measurement:
    """Its error against float64, in the rounding steps of the dtype."""
    case = Case(function, dtype, sizes)
    return against(case, function(case.call()), case.truth)


def judge(function: FunctionUnderTest, sizes: Sizes = USUAL) -> tuple[Measurement, Fault | None]:
    """Its error in float32, and what is wrong with its values; None: nothing is."""
    case = Case(function, torch.float32, sizes)
    outputs = function(case.call())
    error = against(case, outputs, case.truth)
    return error, fault(case, outputs, error)


@dataclass(frozen=True, slots=True)
class ValueTrial:
    """A call that was made: its case, what it returned, and how far that is from float64."""

    case: Case
    outputs: tuple[Tensor, ...]
    measurement: Measurement

    def explain(self) -> Fault:
        """The mistake that explains what is wrong."""
        return explain(self.case, self.outputs)


def try_values(
    function: FunctionUnderTest, sizes: Sizes, dtype: torch.dtype = torch.float32, **changes: Any
) -> ValueTrial | None:
    """Call it in these sizes, with these changes to the call; None: it does not take that."""

    def trial() -> ValueTrial:
        case = Case(function, dtype, sizes)
        outputs = function(replace(case.call(), **changes))
        return ValueTrial(case, outputs, against(case, outputs, case.truth))

    return result_or_none(trial)
