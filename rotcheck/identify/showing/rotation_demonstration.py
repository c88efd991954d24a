"""Missing rotation shown: of an axis of positions, of a square of a grid, of a gradient."""

from rotcheck.identify.showing import call_snippet
from rotcheck.identify.showing.attempts import Attempt, case_of
from rotcheck.identify.showing.function_source import Source
from rotcheck.identify.showing.value_demonstration import (
    CLONE,
    Worst,
    angle_formula,
    result_of,
    setup_lines,
    values_of,
)


def idle_axis(source: Source, attempt: Attempt, axis: int, pair: int) -> str | None:
    """A demonstration that one axis of positions (3, ...)
    does not turn a pair that belongs to it."""
    case = case_of(attempt)
    shape = tuple(case.call().positions.shape)  # type: ignore[union-attr]
    setup = [
        *call_snippet.inputs(case),
        f"positions = torch.zeros{shape}.long()",
        f"positions[{axis}] = torch.arange({case.length})",
        f"returned = {call_snippet.call(case, CLONE)}",
    ]
    result = result_of(source.run(setup), case)
    worst = Worst(0, case.length - 1, 0, 0, pair, 0.0)
    return source.show([*setup, *values_of(case, worst, result)])


def unlike_square(source: Source, attempt: Attempt, pair: int, square: int) -> str | None:
    """A demonstration that a square of a grid's first row turns a pair unlike
    the first square of it."""
    case, names = case_of(attempt), call_snippet.names(attempt.convention)
    axis = attempt.convention.axes.index("s")
    alike = [
        f"{name} = {name}.narrow({axis}, 0, 1).expand_as({name}).contiguous()" for name in names
    ]
    call = f"returned = {call_snippet.call(case, CLONE)}"
    setup = [*call_snippet.inputs(case), *alike, call]
    result = result_of(source.run(setup), case)
    lanes = call_snippet.lanes_of(case, pair, attempt.convention.output_order)
    first, second = (call_snippet.element(case, (0, at, 0, 0), lanes) for at in (0, square))
    value = [
        f"came = {result}{second}  # square {square}",
        f"right = {result}{first}  # square 0, of the same row",
    ]
    return source.show([*setup, *value])


def unturned_gradient(source: Source, attempt: Attempt) -> str | None:
    """A demonstration that a gradient of ones comes back unrotated."""
    case, name = case_of(attempt), call_snippet.names(attempt.convention)[0]
    setup = [
        *setup_lines(case),
        f"{name}.requires_grad_()",
        f"returned = {call_snippet.call(case, '{} * 1.0')}",
    ]
    worst = Worst(0, case.length - 1, 0, 0, 0, 0.0)
    lanes = call_snippet.lanes_of(case, 0)
    value = [
        f"{result_of(source.run(setup), case)}.sum().backward()",
        f"came = {name}.grad{call_snippet.element(case, (0, case.length - 1, 0, 0), lanes)}",
        f"angle = {angle_formula(case, worst)}",
        "right = torch.stack((angle.cos() + angle.sin(), angle.cos() - angle.sin()))  # ones, rotated back",
    ]
    return source.show([*setup, *value])
