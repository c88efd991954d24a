"""Missing rotation shown: of an axis of positions, of a square of a grid, of a gradient."""

from collections.abc import Iterable
from functools import partial

import torch

from rotcheck.convention import pairs
from rotcheck.identify.showing import call_snippet
from rotcheck.identify.showing.attempts import Attempt, case_of
from rotcheck.identify.showing.function_source import PRINT, Source, with_values
from rotcheck.identify.showing.value_demonstration import (
    Worst,
    angle_formula,
    first_of,
    result_of,
    setup_lines,
    values_of,
)


def of_axis(source: Source, attempt: Attempt, axis: int, pair: int) -> str | None:
    """A demonstration that one axis of positions (3, ...) does not turn a pair that belongs to it, or None."""
    return first_of([attempt], partial(_of_axis, source, axis=axis, pair=pair))


def _of_axis(source: Source, attempt: Attempt, *, axis: int, pair: int) -> str | None:
    case, names = case_of(attempt), call_snippet.names(attempt.convention)
    shape = tuple(case.call().positions.shape)  # type: ignore[union-attr]
    position_lines = [
        f"positions = torch.zeros{shape}.long()",
        f"positions[{axis}] = torch.arange({case.length})",
    ]
    copies = {name: f"{name}.clone()" for name in names}
    setup = [
        *source.lines,
        "",
        *call_snippet.inputs(case),
        *position_lines,
        f"returned = f({call_snippet.arguments(case, copies)})",
    ]
    worst = Worst(0, case.length - 1, 0, 0, pair, 0.0)
    result = result_of(source.run("\n".join(setup)), case, worst, in_place=False)
    code = "\n".join([*setup, *values_of(case, worst, result)])
    return with_values(source, code)


def of_grid(source: Source, attempt: Attempt, pair: int, square: int) -> str | None:
    """A demonstration that a square of a grid's first row turns a pair unlike the first square of it, or None."""
    return first_of([attempt], partial(_of_grid, source, pair=pair, square=square))


def _of_grid(source: Source, attempt: Attempt, *, pair: int, square: int) -> str | None:
    case, names = case_of(attempt), call_snippet.names(attempt.convention)
    axis = attempt.convention.axes.index("s")
    alike = [
        f"{name} = {name}.narrow({axis}, 0, 1).expand_as({name}).contiguous()" for name in names
    ]
    copies = {name: f"{name}.clone()" for name in names}
    call = f"returned = f({call_snippet.arguments(case, copies)})"
    setup = [*source.lines, "", *call_snippet.inputs(case), *alike, call]
    space = source.run("\n".join(setup))
    result = result_of(space, case, Worst(0, square, 0, 0, pair, 0.0), in_place=False)
    lanes = pairs(
        torch.arange(case.rotary_dim), attempt.convention.output_order, attempt.convention.blocks
    )[pair].tolist()
    first, second = (call_snippet.element(case, (0, at, 0, 0), lanes) for at in (0, square))
    value = [
        f"came = {result}{second}  # square {square}",
        f"right = {result}{first}  # square 0, of the same row",
    ]
    return with_values(source, "\n".join([*setup, *value, *PRINT]))


def of_gradient(source: Source, tries: Iterable[Attempt]) -> str | None:
    """A demonstration that a gradient of ones comes back unrotated; None: none of these calls shows it."""
    return first_of(tries, partial(_of_gradient, source))


def _of_gradient(source: Source, attempt: Attempt) -> str | None:
    case, names = case_of(attempt), call_snippet.names(attempt.convention)
    products = {name: f"{name} * 1.0" for name in names}
    setup = [*source.lines, "", *setup_lines(case), f"{names[0]}.requires_grad_()"]
    setup += [f"returned = f({call_snippet.arguments(case, products)})"]
    worst = Worst(0, case.length - 1, 0, 0, 0, 0.0)
    result = result_of(source.run("\n".join(setup)), case, worst, in_place=False)
    all_lanes = torch.arange(case.rotary_dim)
    lanes = pairs(all_lanes, case.convention.pairing, case.convention.blocks)[0].tolist()
    value = [
        f"{result}.sum().backward()",
        f"came = {names[0]}.grad{call_snippet.element(case, (0, case.length - 1, 0, 0), lanes)}",
        f"angle = {angle_formula(case, worst)}",
        "right = torch.stack((angle.cos() + angle.sin(), angle.cos() - angle.sin()))  # ones, rotated back",
    ]
    return with_values(source, "\n".join([*setup, *value, *PRINT]))
