"""What else a function does, once it is known how to call it: dtypes, memory, what it refuses."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.convention.calls import Call, arguments, results
from rotcheck.identify.asking import memory_margins
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.case import USUAL, Case, Sizes
from rotcheck.measure.hypotheses import explain
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, Measurement, against
from rotcheck.rotary.tables import has_float64

ONCE = 0.8  # rounding steps: more than this, and it does not round once
MANY_ROWS = 300  # bfloat16 counts to 256
TABLES_ONCE = 0.85  # what float32 inside can reach with tables in the dtype


class NoResult(Exception):
    """A call did not give back tensors like those it was given."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function with the convention by which it is called: what a `Case` can be made for.

    `on_cpu`: the same function there, of one that lives on another device.
    """

    function: Callable[..., Any]
    convention: Convention
    device: torch.device
    on_cpu: Callable[..., Any] | None = None

    @property
    def first(self) -> "tuple[Function, ...]":
        """Who is asked first for what may lie past the end of a table: the CPU, as far as it runs there."""
        here = torch.device("cpu")
        return (Function(self.on_cpu, self.convention, here),) if self.on_cpu else ()

    def __call__(self, call: Call) -> tuple[Tensor, ...]:
        """Call it; raises `NoResult`, and what the function raises."""
        positional, keyword = arguments(self.convention, call)
        returned = self.function(*positional, **keyword)
        found = results(returned, call.inputs, returned is None)
        if not all(
            isinstance(one, Tensor) and one.shape == x.shape for one, x in zip(found, call.inputs)
        ):
            raise NoResult("returns no tensors like those it was given")
        return found


def measured(
    asked: Function, sizes: Sizes = USUAL, dtype: torch.dtype = torch.float32
) -> Measurement:
    """Measure it against float64, in the rounding steps of the dtype."""
    case = Case(asked, dtype, sizes)
    return against(case, asked(case.call()), case.truth)


def judged(asked: Function, sizes: Sizes = USUAL) -> tuple[Measurement, tuple[str, str] | None]:
    """Measure it in float32; return that, and code and words of what is wrong with the values, or None."""
    case = Case(asked, torch.float32, sizes)
    found = asked(case.call())
    off = against(case, found, case.truth)
    if off.not_finite:
        return off, ("not-finite", f"returns {off.not_finite} NaN or infinite elements")
    return off, None if off.error <= ROUNDING_LIMIT else explain(case, found)


def memory(asked: Function, sizes: Sizes = USUAL) -> tuple[bool, tuple[str, str] | None]:
    """Return whether it writes its result into its input, and what it writes that it should not."""
    case = Case(asked, torch.float32, sizes)
    call, before = case.call(), case.call()
    found = asked(call)
    changed = [not torch.equal(now, then) for now, then in zip(call.inputs, before.inputs)]
    if not all(map(torch.equal, call.tables, before.tables)):
        return False, ("writes-tables", "writes into its cos and sin tables")
    if not any(changed):
        return False, None
    if not all(torch.equal(x, result) for x, result in zip(call.inputs, found)):
        return False, ("writes-input", "writes into its input, and not the result")
    if not all(map(shares_memory, call.inputs, found)):
        return True, ("writes-input", "overwrites its input and returns a new tensor beside it")
    return True, None


def shares_memory(first: Tensor, second: Tensor) -> bool:
    """Return whether two tensors are views of the same memory."""
    return first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()


Wrong = tuple[str, str]
"""Code and words of what is wrong."""


def dtype_rule(asked: Function, sizes: Sizes = USUAL) -> tuple[str | None, str, Wrong | None]:
    """Return in words which dtype comes out and which it computes in, what told so, and what is wrong with that."""
    if interprets():
        return "not tried", "the Triton interpreter truncates bfloat16 instead of rounding", None
    try:
        case = Case(asked, torch.bfloat16, sizes)
        own = asked(case.call())
    except Exception as error:
        return *_refuses(asked, sizes, error), None
    keeps = own[0].dtype
    if keeps != torch.bfloat16:
        return (
            f"returns {str(keeps)[6:]}",
            f"bfloat16 goes in with tables in bfloat16, {str(keeps)[6:]} comes out",
            None,
        )
    off = against(case, own, case.truth)
    inside = _inside(off)
    case, own, off = _further(asked, sizes) or (case, own, off)
    shown = f"bfloat16: error {off.error:.2f} rounding steps, {off.rounded_once:.0%} of the elements correctly rounded"
    if off.error > ROUNDING_LIMIT or off.not_finite:
        code, words = explain(case, own)
        return f"keeps the dtype, {inside}", shown, (code, f"in bfloat16: {words}")
    if case.convention.tables in ("positions", "complex"):
        return f"keeps the dtype, {inside}", shown, None
    try:
        wide = asked(case.call(dtype=torch.float32))[0].dtype
    except Exception as error:
        kind = type(error).__name__
        return (
            f"keeps the dtype, {inside}; tables must have the dtype",
            f"{shown}; float32 tables: {kind}",
            None,
        )
    if wide != torch.bfloat16:
        return (
            f"keeps the dtype of what is wider, {inside}",
            f"{shown}; with float32 tables {str(wide)[6:]} comes out",
            None,
        )
    return f"keeps the dtype, {inside}", f"{shown}; with float32 tables bfloat16 comes out", None


def _further(asked: Function, sizes: Sizes) -> tuple[Case, tuple[Tensor, ...], Measurement] | None:
    """Return what comes out of more rows than bfloat16 can count, of one that counts them itself, where it is wrong.

    None too where that many rows are not right in float32 either: dtypes are not to blame, then.
    """
    if asked.convention.tables != "positions" or asked.convention.positions not in (
        "from 0",
        "offset",
    ):
        return None
    if asked.device.type != "cpu" and asked.on_cpu is None:
        return None  # more rows than its table has may end the process
    many = replace(sizes, positions=tuple(range(MANY_ROWS)))
    try:
        if any(measured(each, many).error > ROUNDING_LIMIT for each in (*asked.first, asked)):
            return None
        case = Case(asked, torch.bfloat16, many)
        found = asked(case.call())
    except Exception:  # it takes as many rows as its table has
        return None
    off = against(case, found, case.truth)
    return (case, found, off) if off.error > ROUNDING_LIMIT or off.not_finite else None


def _inside(off: Measurement) -> str:
    if off.error <= TABLES_ONCE and off.rounded_once > 0.55:
        return "computes in float32 and rounds once"
    return (
        "computes in the dtype"
        if off.error <= ROUNDING_LIMIT
        else "computes in less than the dtype"
    )


def _refuses(asked: Function, sizes: Sizes, error: Exception) -> tuple[str | None, str]:
    kind = f"bfloat16 with tables in bfloat16 raises {type(error).__name__}"
    try:
        case = Case(asked, torch.bfloat16, sizes)
        wide = asked(case.call(dtype=torch.float32))[0].dtype
    except Exception:
        return None, kind
    return f"wants float32 tables, returns {str(wide)[6:]}", kind


def takes(asked: Function, sizes: Sizes = USUAL) -> tuple[dict[str, bool], dict[str, str]]:
    """Return what else it was asked to take and whether it did, and what it raised where it did not."""
    answers: dict[str, bool] = {}
    raised: dict[str, str] = {}
    for question, call in _calls(asked, sizes).items():
        try:
            call()
            answers[question] = True
        except Exception as error:  # a refusal is the answer
            answers[question] = False
            raised[question] = (
                f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:120]}"
            )
    return answers, raised


def _within(asked: Function, sizes: Sizes) -> None:
    """Call it. Raises `NoResult` where it writes outside of its tensors, and what the function raises."""
    call, spoilt = memory_margins.within(Case(asked, torch.float32, sizes).call(), asked.device)
    asked(call)
    if any(spoilt()):
        raise NoResult("writes outside of its tensors")


def _calls(asked: Function, sizes: Sizes) -> dict[str, Callable[[], Any]]:
    convention = asked.convention

    def of(dtype: torch.dtype = torch.float32, **changes: Any) -> Callable[[], Any]:
        case = Case(asked, dtype, replace(sizes, **changes))
        return lambda: asked(case.call())

    def gaps() -> Any:
        call = Case(asked, torch.float32, sizes).call()
        inputs = [x.transpose(0, -2).contiguous().transpose(0, -2) for x in call.inputs]
        return asked(call.of(*inputs))

    found = {
        "float16": of(torch.float16),
        "bfloat16": of(torch.bfloat16),
        **({"float64": of(torch.float64)} if has_float64(asked.device.type) else {}),
        "inputs with gaps": gaps,
        "one row": of(positions=sizes.positions[:1]),
    }
    if "b" in convention.axes:
        found["an empty batch"] = of(batch=0)
    if (
        {"q", "k"} <= set(convention.slots)
        and not convention.packed
        and set("he") & set(convention.axes)
    ):
        found["fewer heads in k"] = lambda: _within(asked, replace(sizes, kv_heads=2))
    if convention.head_dim is None:
        found["a head of 80 lanes"] = of(width=80)
    return found


def follows_tables(asked: Function, sizes: Sizes = USUAL) -> bool:
    """Return whether narrower tables rotate fewer lanes and leave the others, as partial rotary wants it."""
    convention = asked.convention
    if convention.tables == "positions" or convention.rotary_dim or convention.head_dim:
        return False
    narrow = replace(asked, convention=replace(convention, rotary_dim=sizes.width // 4))
    try:
        return measured(narrow, sizes).error <= ROUNDING_LIMIT
    except Exception:  # narrower tables do not suit it
        return False
