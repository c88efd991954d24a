"""Inside a worker: runs one function in the place of another, on the same input,
and measures their distance."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.identification_result import IdentificationResult
from rotcheck.identify.making import maker_search
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.returned_tables import call_maker, tensors_of
from rotcheck.identify.making.table_reading import NotTables
from rotcheck.identify.swapping import import_lines
from rotcheck.identify.swapping.call_lines import NAME, OURS
from rotcheck.identify.swapping.call_variants import layout_of_run
from rotcheck.identify.swapping.several_lengths import AGAIN, LENGTHS, asks_lengths
from rotcheck.identify.swapping.swap import of_run, runs, to_ask
from rotcheck.identify.swapping.tensor_changes import NARROWER
from rotcheck.identify.worker_device import place, settle
from rotcheck.implementations.instances import copy_of
from rotcheck.implementations.target import resolve
from rotcheck.measure.case import POSITIONS, Case, Sizes
from rotcheck.measure.rounding_steps import measure, norms
from rotcheck.results import Likeness

TABLES = (9, 300, 4097, 8193)  # rows of tables that are compared; a shorter table ends it
MOST_ROWS = 16385  # of tensors that are rotated
APART = tuple(range(3, 3 + 2 * len(POSITIONS), 2))  # positions of a second batch row

Callables = Callable[..., Any]


def open_beside(setup: dict[str, Any]) -> Callable[[Any], Any]:
    """Load `setup["own"]` and `setup["other"]`; return what runs the first in
    the place of the second."""
    settle(setup["device"])
    target = resolve(setup["own"], setup["device"])
    ours, theirs = target.function, resolve(setup["other"], setup["device"]).function
    device = place(setup["device"])
    convention = msgspec.convert(setup["convention"], Convention) if setup["convention"] else None

    def answer(task: str) -> Any:
        error = apart(ours, theirs, task, convention, device, setup["takes"])
        lengths = at_lengths(ours, theirs, task, convention, device) if setup["lengths"] else {}
        return {
            "error": error,
            "lengths": lengths,
            "imports": import_lines.lines(target, setup["device"]),
        }

    return answer


def apart(
    ours: Callables,
    theirs: Callables,
    code: str,
    convention: Convention | None,
    device: torch.device,
    takes: Mapping[str, bool],
) -> float:
    """The distance of two functions on the same input, in rounding steps of float32;
    infinite for NaN.

    `code`: an adapter through which the first is called; empty: as the other is. `convention`: of
    the other; None: both make tables. `takes`: what else the other takes, as `Description` has it:
    it is asked for that too. Raises what a function raises, and `NotTables`.
    """
    substitute = with_adapter(ours, code) if code else ours
    if convention is None:
        return max(_of_tables(substitute, theirs, device, TABLES).values())
    cases = [(convention, sizes) for sizes in _sizes(convention, takes)]
    if takes.get(NARROWER) and convention.rotary_dim is None:
        cases.append((replace(convention, rotary_dim=cases[0][1].width // 4), cases[0][1]))
    return max(
        _of_case(substitute, FunctionUnderTest(theirs, case_convention, device), sizes)
        for case_convention, sizes in cases
    )


def at_lengths(
    ours: Callables,
    theirs_function: Callables,
    code: str,
    convention: Convention | None,
    device: torch.device,
) -> dict[str, float]:
    """How far apart two functions are for sequences of several lengths, as `apart` does.

    Each length is asked of a fresh copy; then a short one once more behind the longest.
    """
    substitute = with_adapter(ours, code) if code else ours
    if convention is None:
        return _of_tables(substitute, theirs_function, device, LENGTHS)
    errors = {}
    for length in (rows for rows in LENGTHS if rows <= MOST_ROWS):
        sizes = Sizes(
            width=convention.head_dim or 64, heads=2, kv_heads=2, positions=tuple(range(length))
        )
        try:
            theirs = FunctionUnderTest(copy_of(theirs_function), convention, device)
            theirs(Case(theirs, torch.float32, sizes).call())
        except Exception:  # broad: beyond the end of its table a function raises any error
            break
        errors[str(length)] = _of_case(
            _fresh(ours, code),
            FunctionUnderTest(copy_of(theirs_function), convention, device),
            sizes,
        )
    return errors


def beside_each_other(
    our_function: Callables,
    their_function: Callables,
    answer: Likeness,
    ours: IdentificationResult,
    theirs: IdentificationResult,
    device: torch.device,
) -> Likeness:
    """A likeness with what a run of both in this process says, where there is something to run."""
    own, description = ours.identification.convention, theirs.identification.convention
    if not runs(answer) or description is None:
        return answer
    takes = to_ask(answer, ours.identification, theirs.identification)
    convention = None if description.kind == "builds" else theirs.convention
    if convention is not None and own is not None:
        convention = replace(convention, **layout_of_run(own, description))
    call = our_function, their_function, answer.adapter or "", convention, device
    try:
        lengths = at_lengths(*call) if asks_lengths(answer) else {}
        return of_run(answer, apart(*call, takes), lengths=lengths)
    except Exception as error:  # whatever a function raises in the other's place
        return of_run(answer, None, f"raises {type(error).__name__}: {error}")


def with_adapter(ours: Callables, code: str) -> Callables:
    """The adapter that this code defines, around a function."""
    names: dict[str, Any] = {OURS: ours}
    exec(compile(code, "adapter", "exec"), names)  # our own code
    adapter: Callables = names[NAME]
    return adapter


def _fresh(ours: Callables, code: str) -> Callables:
    """A copy of ours, which keeps nothing of what was asked before,
    in its adapter if it has one."""
    return with_adapter(copy_of(ours), code) if code else copy_of(ours)


def _sizes(convention: Convention, takes: Mapping[str, bool]) -> Iterator[Sizes]:
    usual = Sizes(width=convention.head_dim or 64)
    yield replace(usual, kv_heads=1) if takes.get("fewer heads in k") else usual
    axes = (
        convention.position_axes if "positions" in convention.called_with else convention.table_axes
    )
    if "b" in axes and convention.takes_tables:
        yield replace(usual, positions=(POSITIONS, APART))


def _of_case(substitute: Callables, theirs: FunctionUnderTest, sizes: Sizes) -> float:
    case = Case(theirs, torch.float32, sizes)
    truth = case.read(theirs(case.call()))
    result = case.read(replace(theirs, function=substitute)(case.call()))
    measurement = measure(result, truth, norms(truth), torch.float32, case.slack)
    return float("inf") if measurement.not_finite else measurement.error


def _of_tables(
    ours: Callables, their_maker: Callables, device: torch.device, lengths: Sequence[int]
) -> dict[str, float]:
    """Compare what two makers give back for tables of several lengths, value by value."""
    maker_call = maker_search.find_for_positions(their_maker, device)
    if maker_call is None:
        raise NotTables("the other makes no tables")
    errors = {}
    for length in lengths:
        our_copy, their_copy = copy_of(ours), copy_of(their_maker)
        try:
            theirs = _make(their_copy, maker_call[0], length)
        except Exception:  # broad: beyond the end of its table a function raises any error
            break
        errors[str(length)] = _values(_make(our_copy, maker_call[0], length), theirs)
        if length == LENGTHS[-1]:
            again = _values(
                _make(our_copy, maker_call[0], AGAIN), _make(their_copy, maker_call[0], AGAIN)
            )
            errors[f"{AGAIN} behind {length}"] = again
    return errors


def _make(maker: Callables, recipe: MakerCall, length: int) -> list[Tensor]:
    return tensors_of(call_maker(maker, recipe, torch.arange(length), length))


def _values(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    if len(ours) != len(theirs) or any(
        first.shape != second.shape for first, second in zip(ours, theirs)
    ):
        return float("inf")
    pairs = [(_wide(first), _wide(second)) for first, second in zip(ours, theirs)]
    steps = torch.finfo(torch.float32).eps * max(
        1.0, *(float(second.abs().max()) for _, second in pairs)
    )
    return max(
        float((first - second).abs().max()) / steps / _phase(first) for first, second in pairs
    )


def _wide(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor).double() if tensor.is_complex() else tensor.double()


def _phase(table: Tensor) -> float:
    """How many rounding steps the largest angle of so many rows may be off,
    as float32 computes it."""
    return float(max(table.shape)) / 2
