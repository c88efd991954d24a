"""Memory that a call must not change, shown: beside its tensors, its input, its tables."""

from collections.abc import Iterable
from functools import partial

import torch

from rotcheck.identify.showing import call_snippet
from rotcheck.identify.showing.attempts import Attempt, case_of
from rotcheck.identify.showing.fenced_call import MARGIN, fence_lines
from rotcheck.identify.showing.function_source import PRINT, Source, with_values
from rotcheck.identify.showing.value_demonstration import first_of, setup_lines
from rotcheck.measure.case import Case


def of_outside(source: Source, tries: Iterable[Attempt], slot: int = 0) -> str | None:
    """A demonstration that a call writes beside a tensor that it allocates, or beside its input."""
    attempts = list(tries)
    return first_of(attempts, partial(_of_allocated, source)) or first_of(
        attempts, partial(_of_outside, source, slot=slot)
    )


def _of_allocated(source: Source, attempt: Attempt) -> str | None:
    case = case_of(attempt)
    call = fence_lines(f"f({call_snippet.arguments(case, {})})")
    return with_values(
        source,
        "\n".join(
            [
                *source.lines,
                "",
                *_setup_with_margins(case),
                *call,
                "right = torch.tensor(0)",
                *PRINT,
            ]
        ),
    )


def _of_outside(source: Source, attempt: Attempt, *, slot: int) -> str | None:
    case = case_of(attempt)
    name = call_snippet.names(attempt.convention)[slot]
    memory = _memory(case, name)
    code = [
        *source.lines,
        "",
        *_setup_with_margins(case),
        f"f({call_snippet.arguments(case, {})})",
        f"came = ({memory}[:{MARGIN}] != 7.0).sum() + ({memory}[-{MARGIN}:] != 7.0).sum()  # changed beside {name}",
        "right = torch.tensor(0)",
        *PRINT,
    ]
    return with_values(source, "\n".join(code))


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


def of_writing(source: Source, tries: Iterable[Attempt], *, tables: bool) -> str | None:
    """A demonstration that a call changes its tables, or its input."""
    return first_of(tries, partial(_of_writing, source, tables=tables))


def _of_writing(source: Source, attempt: Attempt, *, tables: bool) -> str | None:
    case, convention = case_of(attempt), attempt.convention
    names = convention.form.roles if tables else call_snippet.names(convention)
    before = [f"before_{name} = {name}.clone()" for name in names]
    setup = [
        *source.lines,
        "",
        *setup_lines(case),
        *before,
        f"f({call_snippet.arguments(case, {})})",
    ]
    space = source.run("\n".join(setup))
    for name in names:
        after, before_call = space[name], space[f"before_{name}"]
        if torch.equal(after, before_call):
            continue
        at = [
            int(index)
            for index in torch.unravel_index((after - before_call).abs().argmax(), after.shape)
        ]
        place = f"[{', '.join(map(str, at))}]"
        value = [
            f"came = {name}{place}  # after the call",
            f"right = before_{name}{place}  # before it",
        ]
        code = "\n".join(
            [*setup, *value, *(line.replace(".tolist()", ".item()") for line in PRINT)]
        )
        return with_values(source, code)
    return None
