"""Captured in a CUDA graph, does a replay rotate new input, by new tables and positions?

Tried on a stand-in of CUDA graphs, and not yet run on a GPU.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention.calls import Call, arguments
from rotcheck.implementations.interface import Function
from rotcheck.isolation import worker_process
from rotcheck.measure.case import SEED, Case
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import refusal, shortly
from rotcheck.measure.subject import CALLS, Subject
from rotcheck.measure.transforms import compare_pairs

level = "full"
order = 100


def run(subject: Subject, case: Case) -> Evidence:
    """Capture a call, put other values into the very tensors that it was given, replay, measure."""
    if subject.device.type != "cuda":
        return inapplicable(f"CUDA graphs need a CUDA device, and this is {subject.device.type}")
    call, capture = case.call(), Capture(subject.device)
    _warm_up(subject, call, capture.stream)
    try:
        with subject.through(capture.of):
            results = subject.call(call)
    except Exception as error:
        message = f"a CUDA graph cannot capture it: {_reason(subject, error, capture)}"
        # up to torch 2.11 the allocator goes on as if a capture that failed were under way
        worker_process.spend()
        return Evidence(finding="cuda-graph", message=message)
    slots = tuple(slot.to(case.dtype).double() for slot in case.draw(SEED + 2))
    capture.overwrite(arguments(subject.convention, _other_call(case, slots)))
    capture.graph.replay()
    torch.cuda.synchronize(subject.device)
    pairs = case.read(results)
    plain = case.read(subject.call(_other_call(case, slots)))
    message = "a replay of its CUDA graph gives different values from a call: something was captured that should not be"
    return compare_pairs(case, pairs, plain, slots, code="cuda-graph", message=message)


class Capture:
    """A CUDA graph of one call: what the call was given, and what it raised by itself."""

    def __init__(self, device: torch.device) -> None:
        self.graph = torch.cuda.CUDAGraph()
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.error: BaseException | None = None
        self._arguments: Any = ()

    def of(self, function: Function) -> Function:
        """A function that captures a call of this one instead of making it."""

        def capture(*args: Any, **keyword: Any) -> Any:
            self._arguments = args, keyword
            # what follows leaves it current where its end raises
            stream = torch.cuda.stream(self.stream)
            with stream, torch.cuda.graph(self.graph, stream=self.stream):
                try:
                    return function(*args, **keyword)
                except Exception as error:
                    self.error = error  # the end of the capture raises another one over it
                    raise

        return capture

    def overwrite(self, new_arguments: Any) -> None:
        """Copy other arguments, alike in form, into the tensors that the graph reads."""
        for tensor, new_tensor in zip(
            _tensors(self._arguments), _tensors(new_arguments), strict=True
        ):
            tensor.copy_(new_tensor)


def _warm_up(subject: Subject, call: Call, stream: torch.cuda.Stream) -> None:
    """Call it aside: what it allocates and compiles on its first calls is no part of the graph."""
    usual = torch.cuda.current_stream(subject.device)
    stream.wait_stream(usual)
    with torch.cuda.stream(stream):
        for _ in range(CALLS):
            subject.call(call.of(*(x.clone() for x in call.inputs)))
    usual.wait_stream(stream)


def _reason(subject: Subject, error: Exception, capture: Capture) -> str:
    """What went wrong first: after it, ending the capture fails as well."""
    reason, first = refusal(subject, error), capture.error
    while first is not None:
        reason, first = shortly(first), first.__cause__
    return reason


def _other_call(case: Case, slots: tuple[Tensor, ...]) -> Call:
    """A call of other pairs, the rows of the tables reversed and positions moved by one row."""
    call, axes = case.call(), case.convention.all_table_axes
    tables = tuple(table.flip(axes.index("s")) for table in call.tables)
    positions = call.positions
    if positions is not None:
        positions = positions.roll(1, case.convention.position_axes.index("s"))
    return replace(call, inputs=case.inputs(slots), tables=tables, positions=positions)


def _tensors(arguments: Any) -> Iterator[Tensor]:
    """The tensors in arguments, also those in tuples and under keywords."""
    if isinstance(arguments, Tensor):
        yield arguments
    elif isinstance(arguments, (tuple, list, dict)):
        for argument in arguments.values() if isinstance(arguments, dict) else arguments:
            yield from _tensors(argument)
