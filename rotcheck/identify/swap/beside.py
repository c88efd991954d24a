"""Inside a worker: runs one function in the place of another, on the same input, and tells how far they are apart."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import torch
from torch import Tensor

from rotcheck.identify import builders
from rotcheck.identify.describe import Identified
from rotcheck.identify.swap.adapter import NARROWER
from rotcheck.identify.swap.run import of_run, to_ask
from rotcheck.identify.swap.signature import NAME, OURS
from rotcheck.identify.traits import Function
from rotcheck.identify.worker import place, settle
from rotcheck.implementations import load
from rotcheck.implementations.construct import copied
from rotcheck.measure.case import POSITIONS, Case, Sizes
from rotcheck.measure.errors import measure, norms
from rotcheck.results import Likeness
from rotcheck.rotary.conventions import Convention

LENGTHS = (9, 300, 4097, 8193)  # rows of tables that are compared; a shorter table ends it
APART = tuple(range(3, 3 + 2 * len(POSITIONS), 2))  # positions of a second batch row

Callables = Callable[..., Any]


def open_beside(setup: dict[str, Any]) -> Callable[[Any], Any]:
    """Load `setup["own"]` and `setup["other"]`; return what runs the first in the place of the second."""
    settle(setup["device"])
    own, other = (load.find(setup[name], setup["device"]).function for name in ("own", "other"))
    device = place(setup["device"])
    convention = msgspec.convert(setup["convention"], Convention) if setup["convention"] else None

    def answer(task: str) -> Any:
        return {"error": apart(own, other, task, convention, device, setup["takes"])}

    return answer


def apart(
    own: Callables,
    other: Callables,
    code: str,
    convention: Convention | None,
    device: torch.device,
    takes: Mapping[str, bool],
) -> float:
    """Return how far apart two functions are on the same input, in rounding steps of float32; infinite for NaN.

    `code`: an adapter through which the first is called; empty: as the other is. `convention`: of the other; None:
    both make tables. `takes`: what else the other takes, as `Described` has it: it is asked for that too. Raises what a
    function raises, and `NotTables`.
    """
    swapped = adapted(own, code) if code else own
    if convention is None:
        return _of_tables(swapped, other, device)
    asked = [(convention, sizes) for sizes in _sizes(convention, takes)]
    if takes.get(NARROWER) and convention.rotary_dim is None:
        asked.append((replace(convention, rotary_dim=asked[0][1].width // 4), asked[0][1]))
    return max(_of_case(swapped, Function(other, one, device), sizes) for one, sizes in asked)


def beside_each_other(
    own: Callables,
    other: Callables,
    held: Likeness,
    ours: Identified,
    theirs: Identified,
    device: torch.device,
) -> Likeness:
    """Return a likeness with what a run of both in this process says, where there is something to run."""
    told, takes = theirs.told.convention, to_ask(held, ours.told, theirs.told)
    if (held.adapter is None and held.swappable != "as it is") or told is None:
        return held
    convention = None if told.kind == "builds" else theirs.convention
    try:
        return of_run(held, apart(own, other, held.adapter or "", convention, device, takes))
    except Exception as error:  # whatever a function raises in the other's place
        return of_run(held, None, f"raises {type(error).__name__}: {error}")


def adapted(own: Callables, code: str) -> Callables:
    """Return the adapter that this code defines, around a function."""
    names: dict[str, Any] = {OURS: own}
    exec(compile(code, "adapter", "exec"), names)  # our own code
    found: Callables = names[NAME]
    return found


def _sizes(convention: Convention, takes: Mapping[str, bool]) -> Iterator[Sizes]:
    usual = Sizes(width=convention.head_dim or 64)
    yield replace(usual, kv_heads=1) if takes.get("fewer heads in k") else usual
    axes = convention.position_axes if "positions" in convention.called_with else convention.table_axes
    if "b" in axes and convention.tables != "positions":
        yield replace(usual, positions=(POSITIONS, APART))


def _of_case(swapped: Callables, theirs: Function, sizes: Sizes) -> float:
    case = Case(theirs, torch.float32, sizes)
    expected = case.read(theirs(case.call()))
    given = case.read(replace(theirs, function=swapped)(case.call()))
    found = measure(given, expected, norms(expected), torch.float32, case.slack)
    return float("inf") if found.not_finite else found.error


def _of_tables(own: Callables, other: Callables, device: torch.device) -> float:
    """Compare what two makers give back for tables of several lengths, value by value."""
    known = builders.find(other, device)
    if known is None:
        raise builders.NotTables("the other makes no tables")
    worst = 0.0
    for length in LENGTHS:
        rows = torch.arange(length)
        try:
            theirs = _tensors(builders.called(copied(other), known[0], rows, length))
        except Exception:  # its table is as short as that
            break
        ours = _tensors(builders.called(copied(own), known[0], rows, length))
        worst = max(worst, _values(ours, theirs))
    return worst


def _values(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    if len(ours) != len(theirs) or any(one.shape != other.shape for one, other in zip(ours, theirs)):
        return float("inf")
    pairs = [(_wide(one), _wide(other)) for one, other in zip(ours, theirs)]
    steps = torch.finfo(torch.float32).eps * max(1.0, *(float(other.abs().max()) for _, other in pairs))
    return max(float((one - other).abs().max()) / steps / _phase(one) for one, other in pairs)


def _wide(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor).double() if tensor.is_complex() else tensor.double()


def _phase(table: Tensor) -> float:
    """Return how many rounding steps the largest angle of so many rows may be off, as float32 computes it."""
    return float(max(table.shape)) / 2


def _tensors(returned: Any) -> list[Tensor]:
    if isinstance(returned, dict):
        returned = tuple(returned.values())
    parts = returned if isinstance(returned, (tuple, list)) else (returned,)
    return [part.detach().cpu() for part in parts if isinstance(part, Tensor)]
