"""Captured in a CUDA graph, does a replay rotate what was put in since, by the positions put in since?"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rotcheck.implementations.interface import Function
from rotcheck.measure.case import SEED, Case
from rotcheck.measure.elsewhere import refusal
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.subject import CALLS, Subject
from rotcheck.measure.transformed import compared_pairs
from rotcheck.rotary.calls import Call
from rotcheck.rotary.tables import AXES

level = "full"
needs_values = True


def run(subject: Subject, case: Case) -> Evidence:
    """Capture a call, copy other values into its inputs and the rows of its tables in reverse, replay, measure."""
    if subject.device.type != "cuda":
        words = f"CUDA graphs are of CUDA devices, and this is {subject.device.type}"
        return Evidence(state="skipped", message=words, applies=False)
    call = case.call()
    graph = torch.cuda.CUDAGraph()
    stream = torch.cuda.Stream(subject.device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(subject.device))
    with torch.cuda.stream(
        stream
    ):  # what it allocates and compiles on its first calls is no part of the graph
        for _ in range(CALLS):
            subject.call(call.of(*(x.clone() for x in call.inputs)))
    torch.cuda.current_stream(subject.device).wait_stream(stream)
    try:
        with subject.through(partial(_capturing, graph=graph)):
            results = subject.call(call)
    except Exception as error:
        words = f"a CUDA graph cannot capture it: {refusal(subject, error)}"
        return Evidence(finding="cuda-graph", message=words)
    return _replayed(subject, case, call, graph, results)


def _capturing(function: Function, *, graph: torch.cuda.CUDAGraph) -> Function:
    def captured(*args: Any, **keyword: Any) -> Any:
        with torch.cuda.graph(graph):
            return function(*args, **keyword)

    return captured


def _replayed(
    subject: Subject, case: Case, call: Call, graph: torch.cuda.CUDAGraph, results: Sequence[Tensor]
) -> Evidence:
    """Put other values where the graph reads them, and measure a replay against a call with these."""
    slots = tuple(slot.to(case.dtype).double() for slot in case.drawn(SEED + 2))
    rows = _rows(case)
    tables = [table.flip(rows) for table in case.tables()]
    fresh = case.inputs(slots)
    for own, other in zip((*call.inputs, *call.tables), (*fresh, *tables)):
        own.copy_(other)
    if call.positions is not None:
        call.positions.copy_(call.positions.flip(-1))
    graph.replay()
    torch.cuda.synchronize(subject.device)
    found = case.read(results)
    plain = case.read(
        subject.call(Call(case.inputs(slots), tuple(tables), call.positions, call.offset, call.sizes))
    )
    words = (
        "a replay of its CUDA graph gives other values than a call: something was captured that should not be"
    )
    return compared_pairs(case, found, plain, slots, code="cuda-graph", words=words)


def _rows(case: Case) -> int:
    """Return the axis of the tables that holds positions."""
    return (case.convention.table_axes or AXES.get(case.convention.tables, "s")).index("s")
