"""The same decision for functions that make tables: is a mistake in them beyond doubt, and what shows it?"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from msgspec import structs
from torch import Tensor

from rotcheck.convention import FORMS, role_of, vocabulary
from rotcheck.convention.vocabulary import said
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.calling.role_evidence import rotates_again
from rotcheck.identify.making import grid_calls, maker_call, returned_tables
from rotcheck.identify.making.maker_call import MakerCall
from rotcheck.identify.making.table_reading import RotaryTables, read_tables
from rotcheck.identify.telling.demonstration import PRINT, Source, shown
from rotcheck.identify.telling.doubt import AGAIN, in_doubt, settled, source_of
from rotcheck.implementations.target import Target
from rotcheck.results import Identification

ROWS = (
    tuple(range(returned_tables.FEW_ROWS)),
    *((0, 1, row) for row in (257, 1000, 2049, 4097, 65537, 131071)),
)
_KNOWN = (
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


def decided(
    target: Target, recipe: MakerCall, built: RotaryTables, told: Identification
) -> Identification:
    """Return what is told of one that makes tables, its mistakes only where they are beyond doubt."""
    if told.answer != "wrong":
        return told
    doubts = [
        f"nothing speaks for what `{name}` is"
        for name in _unspoken(target.function, recipe.arguments)
    ]
    doubts += [AGAIN] if rotates_again(target.function) else []
    shown = None if doubts else _demonstration(source_of(target), recipe, built, told)
    written = ":" in target.specification
    findings = tuple(
        settled(one, doubts, one.demonstration or shown, written=written) for one in told.findings
    )
    kept = structs.replace(told, findings=findings)
    if kept.answer == "wrong":
        return kept
    advice = "name its arguments for what they are, or write a function of no argument that calls it, and name that"
    return in_doubt(told, kept, advice)


def _unspoken(function: Callable[..., Any], arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a call whose names say nothing."""
    known = [one.name for one in parameters(function) or ()]
    asked = [
        one for one in enumerate(arguments) if role_of(one[1]) not in ("True", "False")
    ]  # those are flags
    named = [argument.rpartition("=")[0] or known[at] for at, argument in asked]
    sides = ("t", *grid_calls.side_names(function))
    return [
        name
        for name in named
        if name not in sides and not any(said(name, names) for names in _KNOWN)
    ]


def _demonstration(
    source: Source, recipe: MakerCall, built: RotaryTables, told: Identification
) -> str | None:
    """Return Python that shows an entry of the tables that is wrong; None: none of the rows shows it."""
    theta = (told.convention.theta if told.convention else None) or 10000.0
    for rows in ROWS:
        try:
            found = _of_rows(source, recipe, built, theta, rows)
        except Exception:  # it has no such rows, or gives back what no index is known for
            continue
        if found:
            return found
    return None


def _of_rows(
    source: Source, recipe: MakerCall, built: RotaryTables, theta: float, rows: Sequence[int]
) -> str | None:
    given = recipe.positions == "given"
    length = len(rows) if given else max(rows) + 1
    setup = [
        *source.lines,
        "",
        *inputs(recipe, rows, length),
        f"returned = f({arguments(recipe, length)})",
    ]
    returned = source.run("\n".join(setup))["returned"]
    tables = read_tables(returned, length)
    pairs = tables.cos.shape[-1]
    at = torch.tensor(rows, dtype=torch.float64)
    exact = at[:, None] * theta ** (-torch.arange(pairs, dtype=torch.float64) / pairs)  # (S, P)
    own = torch.arange(len(rows)) if given else torch.tensor(rows)
    off = torch.hypot(tables.cos[own] - exact.cos(), tables.sin[own] - exact.sin())  # (S, P)
    row, pair = (int(each) for each in torch.unravel_index(off.argmax(), off.shape))
    value = [
        *_came(returned, tables, int(own[row]), pair),
        f"angle = torch.tensor({rows[row]} * {theta} ** (-{2 * pair} / {2 * pairs}), dtype=torch.float64)",
        f"right = {'angle[None]' if FORMS[tables.form].angular else 'torch.stack((angle.cos(), angle.sin()))'}",
    ]
    code = "\n".join([*setup, *value, *PRINT])
    return shown(source, code)


def inputs(recipe: MakerCall, rows: Sequence[int], length: int) -> list[str]:
    """Return the lines that make positions and the tensor that is shown, where they are asked for."""
    roles, lines = set(map(role_of, recipe.arguments)), list[str]()
    batched = recipe.x_axes == "bhsd" or any("ids" in argument for argument in recipe.arguments)
    if roles & {"positions", "float"} and not recipe.coordinates:
        lines.append(f"positions = torch.tensor({list(rows)}){'[None]' if batched else ''}")
    if "x" in roles:
        sizes = {
            "b": maker_call.BATCH,
            "s": length,
            "h": maker_call.HEADS,
            "d": maker_call.HEAD_DIM,
        }
        lines.append(f"x = torch.zeros({', '.join(str(sizes[axis]) for axis in recipe.x_axes)})")
    return lines


def arguments(recipe: MakerCall, length: int) -> str:
    """Return the arguments of a maker's call as Python; `length`: how many rows it is asked for."""
    kinds = {
        "float": "positions.float()",
        "S": str(length),
        "D": str(maker_call.HEAD_DIM),
        "B": str(maker_call.BATCH),
        "float32": "torch.float32",
        "device": '"cpu"',
    }
    parts = (argument.rpartition("=") for argument in recipe.arguments)
    return ", ".join(f"{name}{equals}{kinds.get(role, role)}" for name, equals, role in parts)


def _came(returned: Any, read: RotaryTables, row: int, pair: int) -> list[str]:
    """Return the lines that take cos and sin of a pair, or its angle, out of what came back."""
    width = read.cos.shape[-1]
    lane = 2 * pair if read.table_lanes == "interleaved" else pair

    def index(last: int) -> str:
        known = {"s": row, "w": last}
        return f"[{', '.join(str(known.get(axis, 0)) for axis in read.axes)}]"

    if isinstance(returned, tuple | list) and len(returned) > 1:
        first, second = (1, 0) if read.order.startswith("sin") else (0, 1)
        return [
            f"came = torch.stack((returned[{first}]{index(lane)}, returned[{second}]{index(lane)}))"
        ]
    name = "returned[0]" if isinstance(returned, tuple | list) else "returned"
    if read.form == "complex":
        return [f"came = torch.view_as_real({name}{index(pair)})"]
    if FORMS[read.form].angular:
        return [f"came = {name}{index(lane)}[None]"]
    if read.order == "cos+sin" and isinstance(returned, Tensor):
        wide = returned.shape[-1] // 2
        return [f"came = torch.stack(({name}{index(lane)}, {name}{index(lane + wide)}))"]
    raise ValueError(f"no index is known for {read.order} of {width} pairs")
