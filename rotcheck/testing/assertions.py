"""The assertions: a function is identified, or taken as it declares,
and checked in this process."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import torch

from rotcheck.compare.checks import CONVENTION
from rotcheck.compare.convention_check import convention_cell, given_cell
from rotcheck.compare.plan import check_names
from rotcheck.convention import Convention
from rotcheck.errors import RequestError
from rotcheck.identify.asking.flags import FlaggedCall
from rotcheck.identify.front_identity import Identity
from rotcheck.identify.function_identification import identify
from rotcheck.identify.identification_result import IdentificationResult
from rotcheck.identify.swapping import call_lines, import_lines
from rotcheck.identify.swapping.likeness import likeness
from rotcheck.identify.swapping.side_by_side import beside_each_other
from rotcheck.identify.telling import idle_flags
from rotcheck.identify.worker_setup import no_gradient
from rotcheck.implementations.declarations import convention_of
from rotcheck.implementations.interface import Function
from rotcheck.implementations.target import Target, at_hand, resolve
from rotcheck.measure.outside_writes import OUTSIDE
from rotcheck.measure.subject import Subject
from rotcheck.results import FINDINGS, Cell, Identification, Remark, mistakes
from rotcheck.study.request import DTYPES, check_known
from rotcheck.testing import failure_message
from rotcheck.testing.check_runner import CheckRunner
from rotcheck.testing.time_limit import TimeLimit
from rotcheck.testing.torch_defaults import torch_defaults

LIMIT = 300.0  # seconds


def assert_rotates(
    function: Function,
    *,
    device: str = "cpu",
    dtypes: Sequence[str] = ("float32", "bfloat16"),
    checks: Sequence[str] | None = None,
    timeout: float = LIMIT,
    **convention: Any,
) -> list[Cell]:
    """Assert that a function is a correct rotary embedding:
    within rounding of float64, without side effects.

    A function that is told no convention is held to what it declares by `rotcheck.declare`, and
    otherwise identified first. A mistake that `rotcheck identify` names fails, whichever checks
    run. Default dtype, random state and the like are left as they were.

    Args:
        function: A function, or an object or `torch.nn.Module` that can be called, on `device`
            already. It takes q, k, v or packed qkv and its tables or positions, in any of the
            layouts of `rotcheck.rotary.Convention`, and returns what it rotates in the same shape.
        device: Where it is called, as torch names devices.
        dtypes: "float32", "bfloat16", "float16", "float64".
        checks: Names as `rotcheck compare --check` takes them; None: the quick ones.
        timeout: Seconds after which it fails.
        **convention: Fields of `rotcheck.rotary.Convention` (pairing="half", layout="bshd", ...)
            that the function is held to.

    Returns:
        A cell for each dtype and check.

    Raises:
        AssertionError: Something is wrong. The message says which pairs are off, where and by how
            many rounding steps, and the cause and fix of a known mistake.
        RequestError: There is no such dtype, check or field.
    """
    __tracebackhide__ = True
    check_known("dtype", dtypes, DTYPES)
    check_known("check", checks or (), check_names())
    _check_callable(function, device)
    names = checks or check_names("quick")
    tasks = [(dtype, check) for dtype in dtypes for check in names]
    with TimeLimit(name_of(function), timeout) as limit:
        return _cells(function, device, tasks, convention, limit)


def _cells(
    function: Function,
    device: str,
    tasks: Sequence[tuple[str, str]],
    fields: Mapping[str, Any],
    limit: TimeLimit,
) -> list[Cell]:
    """The cell of each dtype and check. Raises AssertionError."""
    __tracebackhide__ = True
    name = name_of(function)
    limit.step("identifying it")
    with torch_defaults():
        convention, identification = _convention(function, fields, device)
    if identification and identification.purpose and identification.answer == "right":
        return _of_purpose(identification, name, device, tasks)
    if identification and (convention is None or identification.answer == "unknown"):
        raise AssertionError(failure_message.no_rotation(name, identification))
    assert convention is not None, "it was given, or found out"
    _check_memory(name, convention, identification)
    declares = identification is None or identification.declared
    with torch_defaults():  # anew: the calls by which it was identified may have changed them
        reason = no_gradient(identification) if identification else None
        target = Target(function, convention)
        subject = Subject(target, device, declares=declares, no_gradient=reason)
        runner = CheckRunner(subject, name, device)
        cells: list[Cell] = []
        for number, (dtype, check) in enumerate(tasks, 1):
            limit.step(f"checking {check} in {dtype} ({number} of {len(tasks)})")
            if check == CONVENTION:
                cells.append(_convention_cell(identification, name, device, dtype))
            else:
                cells.append(runner.cell(dtype, check))
        wrong = [cell for cell in cells if cell.verdict in FINDINGS and cell.check != CONVENTION]
        spreads = runner.spreads(wrong)
    remarks = mistakes(identification) if identification else []
    if wrong or remarks:
        text = failure_message.of(name, convention, declares, wrong, spreads, remarks)
        raise AssertionError(text) from runner.error
    if all(cell.verdict == "skipped" for cell in cells):
        raise AssertionError(failure_message.nothing_ran(name, cells))
    return cells


def _check_memory(name: str, convention: Convention, identification: Identification | None) -> None:
    """Raise AssertionError for one that writes outside of its tensors:
    the checks would break this process."""
    __tracebackhide__ = True
    remarks = identification.findings if identification else ()
    outside = [remark for remark in remarks if remark.code == OUTSIDE]
    if outside:
        raise AssertionError(failure_message.of(name, convention, False, [], {}, outside))


def _of_purpose(
    identification: Identification, name: str, device: str, tasks: Sequence[tuple[str, str]]
) -> list[Cell]:
    """The cells of a function that permutes rows, or makes positions:
    the check `convention` alone applies."""
    __tracebackhide__ = True
    not_run = {"verdict": "skipped", "message": identification.message, "applies": False}
    cells = []
    for dtype, check in tasks:
        cell = _convention_cell(identification, name, device, dtype)
        if check != CONVENTION:
            cell = msgspec.structs.replace(cell, check=check, **not_run)
        cells.append(cell)
    if CONVENTION not in (check for _, check in tasks):
        raise AssertionError(failure_message.nothing_ran(name, cells))
    return cells


def _convention(
    function: Function, fields: Mapping[str, Any], device: str
) -> tuple[Convention | None, Identification | None]:
    """The convention that a function is held to, and its identification; None: `fields` say it."""
    if fields:
        return convention_of(fields, "assert_rotates"), None
    result = identify(at_hand(function), torch.device(device))
    remarks = [remark for call in result.flags for remark in _with_flag(result, call)]
    identification = result.identification
    findings = (*identification.findings, *remarks)
    return result.convention, msgspec.structs.replace(identification, findings=findings)


def _with_flag(function: IdentificationResult, call: FlaggedCall) -> list[Remark]:
    """The mistakes that a function makes with a flag the other way round."""
    assert function.with_flag is not None, "what has flags can be asked with them"
    try:
        return idle_flags.mistakes(function, call, function.with_flag(call))
    except Exception:  # it does not take that value: what it raises then is no mistake
        return []


def _convention_cell(
    identification: Identification | None, name: str, device: str, dtype: str
) -> Cell:
    """The cell of the check `convention`."""
    if identification is None:
        return given_cell(name, device, dtype)
    return convention_cell(Identity(identification, None), name, device, dtype, other_cells=())


def assert_swappable(
    function: Function, other: Function | str, *, device: str = "cpu", timeout: float = LIMIT
) -> None:
    """Assert that one function can take another's place as it is:
    same convention, same call, same values.

    Args:
        function: As `assert_rotates` takes it.
        other: A function, or a name or SPEC as `rotcheck identify --like` takes it.
        device: Where both are called.
        timeout: Seconds after which it fails.

    Raises:
        AssertionError: They differ. The message says in what, and what to permute or convert.
    """
    __tracebackhide__ = True
    _check_callable(function, device)
    name, place = name_of(function), torch.device(device)
    reference = other if isinstance(other, str) else name_of(other)
    target = resolve(other, device) if isinstance(other, str) else at_hand(other)
    with TimeLimit(name, timeout) as limit, torch_defaults():
        limit.step("identifying it")
        ours = identify(at_hand(function), place)
        limit.step(f"identifying {reference}")
        theirs = identify(target, place)
        limit.step(f"running it beside {reference}")
        comparison = likeness(ours.identification, theirs.identification, reference)
        comparison = beside_each_other(function, target.function, comparison, ours, theirs, place)
    if comparison.swappable == "as it is":
        return
    if comparison.adapter and (line := import_lines.of_function(function)):
        code = call_lines.with_head(comparison.adapter, line)
        comparison = msgspec.structs.replace(comparison, adapter=code)
    raise AssertionError(
        failure_message.unlike(name, comparison, ours.identification, theirs.identification)
    )


def name_of(function: Function) -> str:
    """What a function is called in a message."""
    return str(
        getattr(function, "__qualname__", None)
        or getattr(function, "name", None)
        or type(function).__name__
    )


def _check_callable(function: Function, device: str) -> None:
    if inspect.isclass(function) or not callable(function):
        raise RequestError(
            f"{function!r} is not a function: give what is called, an object of a class"
        )
    if device == "interpreter":
        raise RequestError(
            "the interpreter changes the whole process: set TRITON_INTERPRET=1 before triton is imported, "
            'and ask for device="cpu"; or use `rotcheck compare SPEC --device interpreter`'
        )
