"""A wrong value shown: Python that runs without rotcheck and prints the value that came and the one that is right."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import Convention, pairs
from rotcheck.convention.calls import results
from rotcheck.identify.showing import call_snippet
from rotcheck.identify.showing.attempts import Attempt, case_of
from rotcheck.identify.showing.function_source import PRINT, Source, with_values
from rotcheck.measure.case import Case
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, unit


@dataclass(frozen=True, slots=True)
class Worst:
    """The pair that is furthest from float64: its place and its error."""

    batch: int
    row: int
    slot: int
    head: int
    pair: int
    error: float


def first_of(tries: Iterable[Attempt], shows: Callable[[Attempt], str | None]) -> str | None:
    """The first demonstration that one of these attempts gives; None: none of them does."""
    for attempt in tries:
        try:
            lines = shows(attempt)
        except Exception:
            # broad: it runs the function, which may refuse these sizes with any error
            continue
        if lines:
            return lines
    return None


def of_value(source: Source, tries: Iterable[Attempt]) -> str | None:
    """A demonstration of a value that is wrong in one of these calls; None: none shows it."""
    return first_of(tries, partial(_of_value, source))


def _of_value(source: Source, attempt: Attempt) -> str | None:
    case, convention, ahead = case_of(attempt), attempt.convention, list[str]()
    first = [f"f({call_snippet.arguments(case, _clones(convention))})"] if attempt.before else []
    if attempt.before:
        name, _, role = attempt.before.rpartition("=")
        plain = replace(
            convention,
            arguments=tuple(a for a in convention.arguments if not a.startswith(f"{name}=")),
        )
        first = [
            f"f({call_snippet.arguments(case_of(replace(attempt, convention=plain)), _clones(plain))}, {name}={role})"
        ]
    if attempt.earlier:
        earlier = case_of(replace(attempt, sizes=replace(attempt.sizes, positions=attempt.earlier)))
        ahead = [
            *setup_lines(earlier),
            f"f({call_snippet.arguments(earlier, _clones(convention))})  # an earlier call",
        ]
    setup = [*source.lines, "", *ahead, *setup_lines(case, attempt), *first]
    tensors = {name: f"{name}.clone()" for name in call_snippet.names(convention)}
    call = [f"returned = f({call_snippet.arguments(case, tensors)})"]
    space = source.run("\n".join([*setup, *call]))
    in_place = space["returned"] is None
    if in_place:
        names = call_snippet.names(convention)
        copies = [f"turned_{name} = {name}.clone()" for name in names]
        call = [
            *copies,
            f"f({call_snippet.arguments(case, {name: f'turned_{name}' for name in names})})",
        ]
        space = source.run("\n".join([*setup, *call]))
    inputs = tuple(space[name] for name in call_snippet.names(convention))
    came = (
        tuple(space[f"turned_{name}"] for name in call_snippet.names(convention))
        if in_place
        else results(space["returned"], inputs, in_place=False)
    )
    worst = worst_of(case, inputs, came)
    if worst is None:
        return None
    result = result_of(space, case, worst, in_place=in_place)
    code = "\n".join([*setup, *call, *values_of(case, worst, result)])
    return with_values(source, code, case.dtype)


def setup_lines(case: Case, attempt: Attempt | None = None) -> list[str]:
    """The lines that make the tensors, positions and tables of a call."""
    if attempt is None or not attempt.rows:
        return [
            *call_snippet.inputs(case),
            *call_snippet.positions(case),
            *call_snippet.angles(case),
        ]
    whole = case_of(
        replace(attempt, sizes=replace(attempt.sizes, positions=tuple(range(attempt.rows))))
    )
    at = case.laid_positions(torch.tensor(case.positions))
    return [
        *call_snippet.inputs(case),
        *call_snippet.positions(case, at),
        *call_snippet.angles(whole),
    ]


def _clones(convention: Convention) -> dict[str, str]:
    return {name: f"{name}.clone()" for name in call_snippet.names(convention)}


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
            batch, row, head, pair = (
                int(index) for index in torch.unravel_index(torch.tensor(at), off.shape)
            )
            worst = Worst(batch, row, slot, head, pair, error)
    return worst


def result_of(space: dict[str, Any], case: Case, worst: Worst, *, in_place: bool) -> str:
    """The expression of the tensor that the call returned or changed."""
    slot = 0 if case.is_packed else worst.slot
    if in_place:
        return f"turned_{call_snippet.names(case.convention)[slot]}"
    result = space["returned"]
    if isinstance(result, dict):
        return f"returned[{list(result)[slot]!r}]"
    return f"returned[{slot}]" if isinstance(result, tuple | list) else "returned"


def values_of(case: Case, worst: Worst, result: str) -> list[str]:
    """The lines that print the value that came and the one that is right."""
    convention, turning = case.convention, case.rotary_dim // 2
    at = (worst.batch, worst.row, worst.slot, worst.head)
    name = call_snippet.names(convention)[0 if case.is_packed else worst.slot]
    still = worst.pair >= turning
    if still:
        lanes = output_lanes = [2 * worst.pair, 2 * worst.pair + 1]
    else:
        all_lanes = torch.arange(2 * turning)
        lanes = pairs(all_lanes, convention.pairing, convention.blocks)[worst.pair].tolist()
        output_lanes = pairs(all_lanes, convention.output_order, convention.blocks)[
            worst.pair
        ].tolist()
    value = convention.slots[worst.slot] == "v"
    input_code = f"{name}{call_snippet.element(case, at, lanes)}"
    if value or still:
        output_lanes = lanes
        why = "v is not rotated" if value else f"lanes from {2 * turning} on are not rotated"
        right = [f"right = {input_code}  # {why}"]
    else:
        right = [f"a, b = {input_code}", f"angle = {angle_formula(case, worst)}", *_TURN]
    came = f"came = {result}{call_snippet.element(case, at, output_lanes)}"
    tensor_name = convention.slots[worst.slot] if case.is_packed else name
    place = f"row {worst.row}, lanes {output_lanes[0]} and {output_lanes[1]} of {tensor_name}"
    return [f"{came}  # {place}", *right, *PRINT]


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
