"""Memory that a call must not change, shown: beside its tensors, its input, its tables."""

from collections.abc import Sequence

import torch

from rotcheck.identify.showing import call_snippet
from rotcheck.identify.showing.attempts import Attempt, case_of
from rotcheck.identify.showing.fenced_call import MARGIN, fence_lines
from rotcheck.identify.showing.function_source import PRINT, Source
from rotcheck.identify.showing.value_demonstration import setup_lines
from rotcheck.measure.case import Case
from rotcheck.measure.rounding_steps import indices

PRINT_ONE = [line.replace(".tolist()", ".item()") for line in PRINT]


def write_beside_allocated(source: Source, attempt: Attempt) -> str | None:
    """A demonstration that a call writes beside a tensor that it allocates."""
    case = case_of(attempt)
    fence = fence_lines(call_snippet.call(case))
    return source.show([*_setup_with_margins(case), *fence, "right = torch.tensor(0)"])


def write_beside_input(source: Source, attempt: Attempt, slot: int = 0) -> str | None:
    """A demonstration that a call writes beside a tensor of its input."""
    case = case_of(attempt)
    name = call_snippet.names(attempt.convention)[slot]
    memory = _memory(case, name)
    value = [
        f"came = ({memory}[:{MARGIN}] != 7.0).sum() + ({memory}[-{MARGIN}:] != 7.0).sum()  # changed beside {name}",
        "right = torch.tensor(0)",
    ]
    return source.show([*_setup_with_margins(case), call_snippet.call(case), *value])


def _memory(case: Case, name: str) -> str:
    """The name of the memory around a tensor."""
    return "memory" if len(call_snippet.names(case.convention)) == 1 else f"memory_of_{name}"


def _setup_with_margins(case: Case) -> list[str]:
    """The lines that make the tensors and tables of a call, each tensor between marked elements."""
    margin = f"torch.full(({MARGIN},), 7.0)"
    lines = setup_lines(case)
    for name in call_snippet.names(case.convention):
        memory = _memory(case, name)
        lines += [
            f"{memory} = torch.cat(({margin}, {name}.flatten(), {margin}))",
            f"{name} = {memory}[{MARGIN}:-{MARGIN}].view({name}.shape)",
        ]
    return lines


def write_to_tables(source: Source, attempt: Attempt) -> str | None:
    """A demonstration that a call changes its tables."""
    return _write_to(source, attempt, attempt.convention.form.roles)


def write_to_input(source: Source, attempt: Attempt) -> str | None:
    """A demonstration that a call changes its input."""
    return _write_to(source, attempt, call_snippet.names(attempt.convention))


def _write_to(source: Source, attempt: Attempt, names: Sequence[str]) -> str | None:
    """A demonstration that a call changes one of the tensors of these names."""
    case = case_of(attempt)
    before = [f"before_{name} = {name}.clone()" for name in names]
    setup = [*setup_lines(case), *before, call_snippet.call(case)]
    space = source.run(setup)
    for name in names:
        after, before_call = space[name], space[f"before_{name}"]
        if not torch.equal(after, before_call):
            at = indices(int((after - before_call).abs().argmax()), after.shape)
            value = [
                f"came = {name}{at}  # after the call",
                f"right = before_{name}{at}  # before it",
            ]
            return source.show([*setup, *value], prints=PRINT_ONE)
    return None
