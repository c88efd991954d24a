"""A wrong value shown: Python that runs without rotcheck and prints the value that came and
the one that is right."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from rotcheck.convention.calls import results
from rotcheck.identify.showing import call_snippet
from rotcheck.identify.showing.attempts import Attempt, case_of
from rotcheck.identify.showing.function_source import Source
from rotcheck.measure.case import Case
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, indices, unit

Try = TypeVar("Try")

CLONE, RESULT = "{}.clone()", "turned_{}"
"""What a call is given in the place of a tensor: a copy of it, or one that it may write into."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The pair that is furthest from float64: its place and its error."""

    batch: int
    row: int
    slot: int
    head: int
    pair: int
    error: float


Show = Callable[[Source, Attempt], str | None]
"""Makes the demonstration of an attempt; None: it shows nothing.

It raises what the function raises.
"""


def first_of(show: Callable[[Try], str | None], tries: Iterable[Try]) -> str | None:
    """The first demonstration that one of these attempts gives; None: none of them does."""
    for attempt in tries:
        try:
            lines = show(attempt)
        except Exception:
            # broad: it runs the function, which may refuse these sizes or rows with any error
            continue
        if lines:
            return lines
    return None


def of_value(source: Source, tries: Iterable[Attempt]) -> str | None:
    """A demonstration of a value that is wrong in one of these calls; None: none shows it."""
    return first_of(partial(wrong_value, source), tries)


def wrong_value(source: Source, attempt: Attempt) -> str | None:
    """A demonstration of the value that is furthest off in a call."""
    case = case_of(attempt)
    setup = [*_earlier_call(attempt), *setup_lines(case, attempt), *_first_call(attempt)]
    call = [f"returned = {call_snippet.call(case, CLONE)}"]
    space = source.run([*setup, *call])
    if space["returned"] is None:  # it writes its result into what it is given
        copies = [f"turned_{name} = {name}.clone()" for name in call_snippet.names(case.convention)]
        call = [*copies, call_snippet.call(case, RESULT)]
        space = source.run([*setup, *call]) | {"returned": None}
    return show_worst(source, case, [*setup, *call], space)


def _earlier_call(attempt: Attempt) -> list[str]:
    """The lines of a call with other positions that is made first."""
    if not attempt.earlier:
        return []
    earlier = case_of(replace(attempt, sizes=replace(attempt.sizes, positions=attempt.earlier)))
    return [*setup_lines(earlier), f"{call_snippet.call(earlier, CLONE)}  # an earlier call"]


def _first_call(attempt: Attempt) -> list[str]:
    """The same call with another value of an argument, which is made first."""
    if not attempt.before:
        return []
    name = attempt.before.partition("=")[0]
    convention = attempt.convention
    others = (
        attempt.before if argument.startswith(f"{name}=") else argument
        for argument in convention.arguments
    )
    plain = replace(convention, arguments=tuple(others))
    return [call_snippet.call(case_of(replace(attempt, convention=plain)), CLONE)]


def show_worst(
    source: Source, case: Case, lines: Sequence[str], space: Mapping[str, Any]
) -> str | None:
    """A demonstration of the value that is furthest off once these lines ran; None: none is off."""
    names = call_snippet.names(case.convention)
    inputs = tuple(space[name] for name in names)
    came = (
        tuple(space[RESULT.format(name)] for name in names)
        if space["returned"] is None
        else results(space["returned"], inputs, in_place=False)
    )
    worst = worst_of(case, inputs, came)
    if worst is None:
        return None
    result = result_of(space, case, worst.slot)
    return source.show([*lines, *values_of(case, worst, result)], case.dtype)


def setup_lines(case: Case, attempt: Attempt | None = None) -> list[str]:
    """The lines that make the tensors, positions and tables of a call."""
    rows, positions = case, call_snippet.positions(case)
    if attempt is not None and attempt.rows:
        whole = replace(attempt.sizes, positions=tuple(range(attempt.rows)))
        rows = case_of(replace(attempt, sizes=whole))
        laid = case.laid_positions(torch.tensor(case.positions))
        positions = call_snippet.positions(case, laid)
    return [*call_snippet.inputs(case), *positions, *call_snippet.angles(rows)]


def worst_of(case: Case, inputs: Sequence[Tensor], came: Sequence[Tensor]) -> Worst | None:
    """The pair that is furthest off, in rounding steps; None: rounding explains them all."""
    x = case.read_inputs(inputs)
    right = case.rotated(x, case.angles)
    worst: Worst | None = None
    for slot, (exact, result) in enumerate(zip(right, case.read(came), strict=False)):
        step = unit(torch.linalg.vector_norm(exact, dim=-1), case.dtype, case.slack)  # (B, S, H, P)
        off = torch.linalg.vector_norm(result - exact, dim=-1) / step  # (B, S, H, P)
        off = off.nan_to_num(torch.inf, torch.inf)
        at = int(off.argmax())
        error = float(off.flatten()[at])
        if error > ROUNDING_LIMIT and (worst is None or error > worst.error):
            batch, row, head, pair = indices(at, off.shape)
            worst = Worst(batch, row, slot, head, pair, error)
    return worst


def result_of(space: Mapping[str, Any], case: Case, slot: int = 0) -> str:
    """The expression of the tensor that the call returned or changed."""
    slot = 0 if case.is_packed else slot
    result = space["returned"]
    if result is None:
        return RESULT.format(call_snippet.names(case.convention)[slot])
    if isinstance(result, dict):
        return f"returned[{list(result)[slot]!r}]"
    return f"returned[{slot}]" if isinstance(result, tuple | list) else "returned"


def values_of(case: Case, worst: Worst, result: str) -> list[str]:
    """The lines that name the value that came and the one that is right."""
    convention, turning = case.convention, case.rotary_dim // 2
    at = (worst.batch, worst.row, worst.slot, worst.head)
    name = call_snippet.names(convention)[0 if case.is_packed else worst.slot]
    still, is_value = worst.pair >= turning, convention.slots[worst.slot] == "v"
    pair = [2 * worst.pair, 2 * worst.pair + 1]
    lanes = output_lanes = pair if still else call_snippet.lanes_of(case, worst.pair)
    input_code = f"{name}{call_snippet.element(case, at, lanes)}"
    if is_value or still:
        why = "v is not rotated" if is_value else f"lanes from {2 * turning} on are not rotated"
        right = [f"right = {input_code}  # {why}"]
    else:
        output_lanes = call_snippet.lanes_of(case, worst.pair, convention.output_order)
        right = [f"a, b = {input_code}", f"angle = {angle_formula(case, worst)}", *_TURN]
    came = f"came = {result}{call_snippet.element(case, at, output_lanes)}"
    tensor_name = convention.slots[worst.slot] if case.is_packed else name
    place = f"row {worst.row}, lanes {output_lanes[0]} and {output_lanes[1]} of {tensor_name}"
    return [f"{came}  # {place}", *right]


_TURN = [
    "cos, sin = angle.cos(), angle.sin()",
    "right = torch.stack((a * cos - b * sin, b * cos + a * sin))",
]


def angle_formula(case: Case, worst: Worst) -> str:
    """The angle of the pair as a formula: `torch.tensor(2 * 10000.0 ** (-4 / 8))`."""
    convention = case.convention
    at = torch.tensor(case.positions)
    place = case.places(at if at.dim() == 1 else at[worst.batch])[worst.row]  # (1,) or (P,)
    position = int(place[worst.pair if len(place) > 1 else 0])
    frequency = f"{convention.theta} ** (-{2 * worst.pair} / {case.rotary_dim})"
    if convention.frequencies:
        frequency = repr(float(case.frequencies[worst.pair]))
    sign = "-" if convention.direction < 0 else ""
    return f"torch.tensor({sign}{position} * {frequency}, dtype=torch.float64)"
