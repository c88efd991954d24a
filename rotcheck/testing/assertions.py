"""The assertions: a function is identified, or taken as it declares, and put to rotcheck's checks in this process."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import torch

from rotcheck.compare.checks import CONVENTION
from rotcheck.compare.convention_check import convention_cell, given_cell
from rotcheck.compare.plan import check_names
from rotcheck.convention import Convention
from rotcheck.errors import RequestError
from rotcheck.identify import identification
from rotcheck.identify.asking import idle_flags
from rotcheck.identify.asking.flags import FlaggedCall
from rotcheck.identify.identified_function import IdentifiedFunction
from rotcheck.identify.identity import Identity
from rotcheck.identify.swapping import adapter, import_lines
from rotcheck.identify.swapping.likeness import likeness
from rotcheck.identify.swapping.side_by_side import beside_each_other
from rotcheck.identify.worker_setup import mistakes as mistakes_of
from rotcheck.identify.worker_setup import no_gradient
from rotcheck.implementations.declarations import convention_of, declared
from rotcheck.implementations.target import Target, resolve
from rotcheck.measure.subject import Subject
from rotcheck.results import FINDINGS, Cell, Identification, Remark
from rotcheck.study.request import DTYPES, check_known
from rotcheck.testing import message
from rotcheck.testing.trial import Trial
from rotcheck.testing.watch import Watch
from rotcheck.testing.world import defaults

Function = Callable[..., Any]
LIMIT = 300.0  # seconds
OUTSIDE = "writes-outside"


def assert_rotates(
    function: Function,
    *,
    device: str = "cpu",
    dtypes: Sequence[str] = ("float32", "bfloat16"),
    checks: Sequence[str] | None = None,
    timeout: float = LIMIT,
    **convention: Any,
) -> list[Cell]:
    """Assert that a function is a right rotary embedding: within rounding of float64, and harmless beside it.

    `function`: a function, or an object or `torch.nn.Module` that can be called, on `device` already. `dtypes`:
    "float32", "bfloat16", "float16", "float64". `checks`: names as `rotcheck compare --check` takes them; None: the
    quick ones. `timeout`: seconds, after which it fails. `convention`: fields of `rotcheck.rotary.Convention`
    (pairing="half", layout="bshd", ...), to which the function is then held; without any it is held to what it
    declares by `rotcheck.declare`, and otherwise identified first. A mistake that `rotcheck identify` names fails,
    whichever checks are asked for.

    Returns a cell for each dtype and check. Raises AssertionError, whose message says which pairs are off where and
    by how many rounding steps, and the cause and fix of a known mistake; and `RequestError` for a dtype, check or
    field that there is not. Default dtype, random state and the like are left as they were.
    """
    __tracebackhide__ = True
    check_known("dtype", dtypes, DTYPES)
    check_known("check", checks or (), check_names())
    _check_callable(function, device)
    name, asked = name_of(function), checks or check_names("quick")
    with Watch(name, timeout) as watch:
        return _judged(
            function,
            name,
            device,
            [(dtype, check) for dtype in dtypes for check in asked],
            convention,
            watch,
        )


def _judged(
    function: Function,
    name: str,
    device: str,
    asked: Sequence[tuple[str, str]],
    convention: Mapping[str, Any],
    watch: Watch,
) -> list[Cell]:
    """Return the cell of each dtype and check that is asked. Raises AssertionError."""
    __tracebackhide__ = True
    watch.step("identifying it")
    with defaults():
        judged, told = _convention(function, convention, device)
    if told and told.purpose and told.answer == "right":
        return _of_purpose(told, name, device, asked)
    if told and (judged is None or told.answer == "unknown"):
        raise AssertionError(message.no_rotation(name, told))
    assert judged is not None, "it was given, or found out"
    outside = [one for one in told.findings if one.code == OUTSIDE] if told else []
    if outside:  # the checks would break the memory of this process
        raise AssertionError(message.of(name, judged, False, [], {}, outside))
    declares = told is None or told.declared
    with defaults():  # anew: the calls by which it was identified may have changed them
        reason = no_gradient(told) if told else None
        subject = Subject(Target(function, judged), device, declares=declares, no_gradient=reason)
        trial = Trial(subject, name, device)
        cells = []
        for at, (dtype, check) in enumerate(asked, 1):
            watch.step(f"checking {check} in {dtype} ({at} of {len(asked)})")
            own = check == CONVENTION
            cells.append(_judgement(told, name, device, dtype) if own else trial.cell(dtype, check))
        wrong = [cell for cell in cells if cell.verdict in FINDINGS and cell.check != CONVENTION]
        off = trial.spreads(wrong)
    mistakes = mistakes_of(told) if told else []
    if wrong or mistakes:
        raise AssertionError(
            message.of(name, judged, declares, wrong, off, mistakes)
        ) from trial.raised
    if all(cell.verdict == "skipped" for cell in cells):
        raise AssertionError(message.nothing_ran(name, cells))
    return cells


def _of_purpose(
    told: Identification, name: str, device: str, asked: Sequence[tuple[str, str]]
) -> list[Cell]:
    """Return the cells of a function that permutes rows, or makes positions: the check `convention` alone is asked."""
    __tracebackhide__ = True
    cells = [_judgement(told, name, device, dtype) for dtype, _ in asked]
    skipped = {"verdict": "skipped", "message": told.message, "applies": False}
    cells = [
        cell if check == CONVENTION else msgspec.structs.replace(cell, check=check, **skipped)
        for cell, (_, check) in zip(cells, asked)
    ]
    if CONVENTION not in (check for _, check in asked):
        raise AssertionError(message.nothing_ran(name, cells))
    return cells


def _convention(
    function: Function, words: Mapping[str, Any], device: str
) -> tuple[Convention | None, Identification | None]:
    """Return the convention by which a function is judged, and what was told of it; None: `words` give it."""
    if words:
        return convention_of(words, "assert_rotates"), None
    found = _identified(function, declared(function), device)
    wrong = tuple(remark for call in found.flags for remark in _with_flag(found, call))
    return found.convention, msgspec.structs.replace(
        found.identification, findings=(*found.identification.findings, *wrong)
    )


def _with_flag(found: IdentifiedFunction, call: FlaggedCall) -> list[Remark]:
    """Return the mistake that a function makes with a flag the other way round."""
    assert found.with_flag is not None, "what has flags can be asked with them"
    try:
        return idle_flags.mistakes(found, call, found.with_flag(call))
    except Exception:  # it does not take that value: what it raises then is no mistake
        return []


def _judgement(told: Identification | None, name: str, device: str, dtype: str) -> Cell:
    """Return the cell of the check `convention`."""
    if told is None:
        return given_cell(name, device, dtype)
    return convention_cell(Identity(told, None), name, device, dtype, other_cells=())


def assert_swappable(
    function: Function, other: Function | str, *, device: str = "cpu", timeout: float = LIMIT
) -> None:
    """Assert that one function can take another's place as it is: same convention, same call, same values.

    `other`: a function, or a name or SPEC as `rotcheck identify --like` takes it. `timeout`: seconds, after which it
    fails. Raises AssertionError, whose message says in what they differ and what to permute or convert.
    """
    __tracebackhide__ = True
    _check_callable(function, device)
    target = resolve(other, device) if isinstance(other, str) else Target(other, declared(other))
    reference = other if isinstance(other, str) else name_of(other)
    with Watch(name_of(function), timeout) as watch, defaults():
        watch.step("identifying it")
        ours = _identified(function, declared(function), device)
        watch.step(f"identifying {reference}")
        theirs = identification.identify(target, torch.device(device))
        watch.step(f"running it beside {reference}")
        found = likeness(ours.identification, theirs.identification, reference)
        found = beside_each_other(
            function, target.function, found, ours, theirs, torch.device(device)
        )
    if found.adapter and (line := import_lines.of_function(function)):
        found = msgspec.structs.replace(found, adapter=adapter.headed(found.adapter, line))
    if found.swappable != "as it is":
        raise AssertionError(
            message.unlike(name_of(function), found, ours.identification, theirs.identification)
        )


def name_of(function: Function) -> str:
    """Return what a function is called in a message."""
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


def _identified(function: Function, given: Any, device: str) -> IdentifiedFunction:
    return identification.identify(Target(function, given), torch.device(device))
