"""Inside a worker: runs one function in the place of another, on the same input, and tells how far they are apart."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.identified_function import IdentifiedFunction
from rotcheck.identify.making import maker_search
from rotcheck.identify.making.maker_call import MakerCall
from rotcheck.identify.making.returned_tables import call_maker
from rotcheck.identify.making.table_reading import NotTables
from rotcheck.identify.swapping import import_lines
from rotcheck.identify.swapping.adapter import NARROWER
from rotcheck.identify.swapping.call_lines import NAME, OURS
from rotcheck.identify.swapping.call_variants import layout_of_run
from rotcheck.identify.swapping.several_lengths import AGAIN, LENGTHS, asks_lengths
from rotcheck.identify.swapping.swap import of_run, runs, to_ask
from rotcheck.identify.worker import place, settle
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
    """Load `setup["own"]` and `setup["other"]`; return what runs the first in the place of the second."""
    settle(setup["device"])
    target = resolve(setup["own"], setup["device"])
    own, other = target.function, resolve(setup["other"], setup["device"]).function
    device = place(setup["device"])
    convention = msgspec.convert(setup["convention"], Convention) if setup["convention"] else None

    def answer(task: str) -> Any:
        error = apart(own, other, task, convention, device, setup["takes"])
        lengths = at_lengths(own, other, task, convention, device) if setup["lengths"] else {}
        return {
            "error": error,
            "lengths": lengths,
            "imports": import_lines.lines(target, setup["device"]),
        }

    return answer


def apart(
    own: Callables,
    other: Callables,
    code: str,
    convention: Convention | None,
    device: torch.device,
    takes: Mapping[str, bool],
) -> float:
    """How far apart two functions are on the same input, in rounding steps of float32; infinite for NaN.

    `code`: an adapter through which the first is called; empty: as the other is. `convention`: of the other; None:
    both make tables. `takes`: what else the other takes, as `Described` has it: it is asked for that too. Raises what a
    function raises, and `NotTables`.
    """
    swapped = adapted(own, code) if code else own
    if convention is None:
        return max(_of_tables(swapped, other, device, TABLES).values())
    asked = [(convention, sizes) for sizes in _sizes(convention, takes)]
    if takes.get(NARROWER) and convention.rotary_dim is None:
        asked.append((replace(convention, rotary_dim=asked[0][1].width // 4), asked[0][1]))
    return max(
        _of_case(swapped, FunctionUnderTest(other, one, device), sizes) for one, sizes in asked
    )


def at_lengths(
    own: Callables, other: Callables, code: str, convention: Convention | None, device: torch.device
) -> dict[str, float]:
    """How far apart two functions are for sequences of several lengths, as `apart` does.

    Each length is asked of a fresh copy; then a short one once more behind the longest.
    """
    swapped = adapted(own, code) if code else own
    if convention is None:
        return _of_tables(swapped, other, device, LENGTHS)
    errors = {}
    for length in (one for one in LENGTHS if one <= MOST_ROWS):
        sizes = Sizes(
            width=convention.head_dim or 64, heads=2, kv_heads=2, positions=tuple(range(length))
        )
        try:
            theirs = FunctionUnderTest(copy_of(other), convention, device)
            theirs(Case(theirs, torch.float32, sizes).call())
        except Exception:  # its table is as short as that
            break
        errors[str(length)] = _of_case(
            _fresh(own, code), FunctionUnderTest(copy_of(other), convention, device), sizes
        )
    return errors


def beside_each_other(
    own: Callables,
    other: Callables,
    held: Likeness,
    ours: IdentifiedFunction,
    theirs: IdentifiedFunction,
    device: torch.device,
) -> Likeness:
    """A likeness with what a run of both in this process says, where there is something to run."""
    told, takes = (
        theirs.identification.convention,
        to_ask(held, ours.identification, theirs.identification),
    )
    if not runs(held) or told is None:
        return held
    convention, code = None if told.kind == "builds" else theirs.convention, held.adapter or ""
    if convention is not None and ours.identification.convention is not None:
        convention = replace(convention, **layout_of_run(ours.identification.convention, told))
    try:
        lengths = at_lengths(own, other, code, convention, device) if asks_lengths(held) else {}
        return of_run(held, apart(own, other, code, convention, device, takes), lengths=lengths)
    except Exception as error:  # whatever a function raises in the other's place
        return of_run(held, None, f"raises {type(error).__name__}: {error}")


def adapted(own: Callables, code: str) -> Callables:
    """The adapter that this code defines, around a function."""
    names: dict[str, Any] = {OURS: own}
    exec(compile(code, "adapter", "exec"), names)  # our own code
    found: Callables = names[NAME]
    return found


def _fresh(own: Callables, code: str) -> Callables:
    """A copy of ours, which keeps nothing of what was asked before, in its adapter if it has one."""
    return adapted(copy_of(own), code) if code else copy_of(own)


def _sizes(convention: Convention, takes: Mapping[str, bool]) -> Iterator[Sizes]:
    usual = Sizes(width=convention.head_dim or 64)
    yield replace(usual, kv_heads=1) if takes.get("fewer heads in k") else usual
    axes = (
        convention.position_axes if "positions" in convention.called_with else convention.table_axes
    )
    if "b" in axes and convention.tables != "positions":
        yield replace(usual, positions=(POSITIONS, APART))


def _of_case(swapped: Callables, theirs: FunctionUnderTest, sizes: Sizes) -> float:
    case = Case(theirs, torch.float32, sizes)
    expected = case.read(theirs(case.call()))
    given = case.read(replace(theirs, function=swapped)(case.call()))
    found = measure(given, expected, norms(expected), torch.float32, case.slack)
    return float("inf") if found.not_finite else found.error


def _of_tables(
    own: Callables, other: Callables, device: torch.device, lengths: Sequence[int]
) -> dict[str, float]:
    """Compare what two makers give back for tables of several lengths, value by value."""
    known = maker_search.find_for_positions(other, device)
    if known is None:
        raise NotTables("the other makes no tables")
    errors = {}
    for length in lengths:
        mine, others = copy_of(own), copy_of(other)
        try:
            theirs = _made(others, known[0], length)
        except Exception:  # its table is as short as that
            break
        errors[str(length)] = _values(_made(mine, known[0], length), theirs)
        if length == LENGTHS[-1]:
            again = _values(_made(mine, known[0], AGAIN), _made(others, known[0], AGAIN))
            errors[f"{AGAIN} behind {length}"] = again
    return errors


def _made(maker: Callables, recipe: MakerCall, length: int) -> list[Tensor]:
    return _tensors(call_maker(maker, recipe, torch.arange(length), length))


def _values(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    if len(ours) != len(theirs) or any(
        one.shape != other.shape for one, other in zip(ours, theirs)
    ):
        return float("inf")
    pairs = [(_wide(one), _wide(other)) for one, other in zip(ours, theirs)]
    steps = torch.finfo(torch.float32).eps * max(
        1.0, *(float(other.abs().max()) for _, other in pairs)
    )
    return max(float((one - other).abs().max()) / steps / _phase(one) for one, other in pairs)


def _wide(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor).double() if tensor.is_complex() else tensor.double()


def _phase(table: Tensor) -> float:
    """How many rounding steps the largest angle of so many rows may be off, as float32 computes it."""
    return float(max(table.shape)) / 2


def _tensors(returned: Any) -> list[Tensor]:
    if isinstance(returned, dict):
        returned = tuple(returned.values())
    parts = returned if isinstance(returned, (tuple, list)) else (returned,)
    return [part.detach().cpu() for part in parts if isinstance(part, Tensor)]
