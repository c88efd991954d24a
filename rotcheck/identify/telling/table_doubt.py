"""Is a mistake of a function that makes tables beyond doubt, and what shows it?"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from msgspec import structs
from torch import Tensor

from rotcheck.convention import FORMS, role_of, vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.identify.calling.parameters import parameter_of, parameters
from rotcheck.identify.calling.role_evidence import rotates_again
from rotcheck.identify.making import grid_calls, maker_snippet, returned_tables
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.table_reading import RotaryTables, read_tables
from rotcheck.identify.remarks import settle
from rotcheck.identify.showing.function_source import Source, source_of
from rotcheck.identify.showing.value_demonstration import first_of
from rotcheck.identify.telling.call_doubts import AGAIN
from rotcheck.identify.telling.doubt import in_doubt
from rotcheck.implementations.target import Target
from rotcheck.measure.rounding_steps import indices
from rotcheck.results import Identification

POSITION_SETS = (
    tuple(range(returned_tables.FEW_ROWS)),
    *((0, 1, row) for row in (257, 1000, 2049, 4097, 65537, 131071)),
)
_MEANINGS = (
    *(
        vocabulary.QUERY,
        vocabulary.KEY,
        vocabulary.VALUE,
        vocabulary.OFFSET,
        vocabulary.POSITIONS,
        vocabulary.GRID,
    ),
    *(
        vocabulary.BATCH,
        vocabulary.LENGTH,
        vocabulary.ROTARY_DIM,
        vocabulary.HEAD_DIM,
        vocabulary.BASE,
    ),
    *(vocabulary.FACTOR, vocabulary.DTYPE, vocabulary.DEVICE, vocabulary.TENSOR),
)


def decide(
    target: Target, recipe: MakerCall, form: RotaryTables, identification: Identification
) -> Identification:
    """The identification of a function that makes tables,
    with the mistakes that are beyond doubt."""
    if identification.answer != "wrong":
        return identification
    doubts = [
        f"nothing says what `{name}` is" for name in _nameless(target.function, recipe.arguments)
    ]
    doubts += [AGAIN] if rotates_again(target.function) else []
    demonstration = (
        None if doubts else _demonstration(source_of(target), recipe, form, identification)
    )
    runs_anywhere = ":" in target.specification
    findings = tuple(
        settle(finding, doubts, finding.demonstration or demonstration, runs_anywhere=runs_anywhere)
        for finding in identification.findings
    )
    decision = structs.replace(identification, findings=findings)
    if decision.answer == "wrong":
        return decision
    advice = "name its arguments for what they are, or write a function without arguments that calls it, and name that"
    return in_doubt(identification, decision, advice)


def _nameless(function: Callable[..., Any], arguments: Sequence[str]) -> list[str]:
    """The arguments of a call whose names say nothing about their roles."""
    places = parameters(function) or ()
    given_to = (
        (parameter_of(argument, at, places), argument) for at, argument in enumerate(arguments)
    )
    # True and False are flags
    names = [
        place.name
        for place, argument in given_to
        if place and role_of(argument) not in ("True", "False")
    ]
    sides = ("t", *grid_calls.side_names(function))
    return [
        name
        for name in names
        if name not in sides and not any(is_named(name, meaning) for meaning in _MEANINGS)
    ]


def _demonstration(
    source: Source, recipe: MakerCall, form: RotaryTables, identification: Identification
) -> str | None:
    """Python that shows a wrong entry of the tables; None: none of the rows shows one."""
    theta = (identification.convention.theta if identification.convention else None) or 10000.0
    return first_of(partial(_of_rows, source, recipe, form, theta), POSITION_SETS)


def _of_rows(
    source: Source, recipe: MakerCall, form: RotaryTables, theta: float, rows: Sequence[int]
) -> str | None:
    takes_positions = recipe.positions == "given"
    length = len(rows) if takes_positions else max(rows) + 1
    call = f"returned = f({', '.join(maker_snippet.arguments(recipe, length))})"
    setup = [*inputs(recipe, rows, length), call]
    result = source.run(setup)["returned"]
    tables = read_tables(result, length)
    pairs = tables.cos.shape[-1]
    at = torch.tensor(rows, dtype=torch.float64)
    exact = at[:, None] * theta ** (-torch.arange(pairs, dtype=torch.float64) / pairs)  # (S, P)
    table_rows = torch.arange(len(rows)) if takes_positions else torch.tensor(rows)
    off = torch.hypot(
        tables.cos[table_rows] - exact.cos(), tables.sin[table_rows] - exact.sin()
    )  # (S, P)
    row, pair = indices(int(off.argmax()), off.shape)
    value = [
        *_value_lines(result, tables, int(table_rows[row]), pair),
        f"angle = torch.tensor({rows[row]} * {theta} ** (-{2 * pair} / {2 * pairs}), dtype=torch.float64)",
        f"right = {'angle[None]' if FORMS[tables.form].angular else 'torch.stack((angle.cos(), angle.sin()))'}",
    ]
    return source.show([*setup, *value])


def inputs(recipe: MakerCall, rows: Sequence[int], length: int) -> list[str]:
    """The lines that make the positions and the tensor that the call takes."""
    roles, lines = set(map(role_of, recipe.arguments)), list[str]()
    has_batch = recipe.x_axes == "bhsd" or any("ids" in argument for argument in recipe.arguments)
    if roles & {"positions", "float"} and not recipe.coordinates:
        lines.append(f"positions = torch.tensor({list(rows)}){'[None]' if has_batch else ''}")
    return [*lines, *maker_snippet.x_lines(recipe, length)]


def _value_lines(result: Any, read: RotaryTables, row: int, pair: int) -> list[str]:
    """The lines that take cos and sin of a pair, or its angle, out of the result."""
    width = read.cos.shape[-1]
    lane = 2 * pair if read.table_lanes == "interleaved" else pair

    def index(last: int) -> str:
        indices = {"s": row, "w": last}
        return f"[{', '.join(str(indices.get(axis, 0)) for axis in read.axes)}]"

    if isinstance(result, tuple | list) and len(result) > 1:
        first, second = (1, 0) if read.order.startswith("sin") else (0, 1)
        return [
            f"came = torch.stack((returned[{first}]{index(lane)}, returned[{second}]{index(lane)}))"
        ]
    name = "returned[0]" if isinstance(result, tuple | list) else "returned"
    if read.form == "complex":
        return [f"came = torch.view_as_real({name}{index(pair)})"]
    if FORMS[read.form].angular:
        return [f"came = {name}{index(lane)}[None]"]
    if read.order == "cos+sin" and isinstance(result, Tensor):
        wide = result.shape[-1] // 2
        return [f"came = torch.stack(({name}{index(lane)}, {name}{index(lane + wide)}))"]
    raise ValueError(f"no index is known for {read.order} of {width} pairs")
