"""Inside a worker: what the functions of one file do together. The tables as the one makes them go into the other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from rotcheck.convention import Convention, pairs, role_of, vocabulary
from rotcheck.convention.calls import results
from rotcheck.convention.vocabulary import is_named
from rotcheck.identify import identification
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.making import maker_search
from rotcheck.identify.making.maker_call import HEAD_DIM, MakerCall
from rotcheck.identify.making.table_reading import RotaryTables
from rotcheck.identify.swapping.file_fit import EXCHANGED
from rotcheck.identify.telling import call_snippet, table_doubt
from rotcheck.identify.telling.attempts import Attempt, case_of
from rotcheck.identify.telling.function_source import PRINT, Source, source_of, with_values
from rotcheck.identify.telling.value_demonstration import Worst, result_of
from rotcheck.identify.worker import Answer, place, settle
from rotcheck.implementations.target import Target, resolve
from rotcheck.measure.case import Case, Sizes

ROWS = (0, 1, 2, 3)
POINTS = ((0, 0, 0), (1, 0, 0), (0, 1, 1), (2, 3, 5))
LAST = len(ROWS) - 1


class Unshowable(Exception):
    """No plain lines are known for a call of both."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A function that takes tables, one that makes them, and how each of them is called."""

    taker: Target
    maker: Target
    convention: Convention
    recipe: MakerCall
    built: RotaryTables

    @property
    def whole(self) -> bool:
        """Whether the tables do not repeat and are as wide as a head all the same."""
        return self.built.table_lanes is None and self.built.cos.shape[-1] == _head_dim(self.maker)

    @property
    def lanes(self) -> int:
        """The lanes of a head that the tables are for."""
        return self.built.cos.shape[-1] * (1 if self.whole else 2)


def open_pair(setup: dict[str, Any]) -> Answer:
    """Load `setup["maker"]` and `setup["taker"]` for `setup["device"]`; return what shows that they do not fit.

    The task is in which way: `lanes`, `order` or `half`. The answer is Python that shows it, or None.
    """
    settle(setup["device"])
    device = place(setup["device"])
    taker, maker = (resolve(setup[each], setup["device"]) for each in ("taker", "maker"))

    def answer(kind: str) -> str | None:
        found = maker_search.find_for_positions(maker.function, device)
        convention = identification.identify(taker, device).convention
        if found is None or convention is None:
            return None
        try:
            return _SHOWN[kind](Pair(taker, maker, convention, *found))
        except Unshowable:
            return None

    return answer


def _head_dim(maker: Target) -> int | None:
    """Return how wide a head is, as the maker is told or has it by default; None: nothing says so."""
    names = (vocabulary.HEAD_DIM, vocabulary.ROTARY_DIM)
    own = [
        one
        for one in parameters(maker.function) or ()
        if any(is_named(one.name, each) for each in names)
    ]
    if len(own) != 1:
        return None
    return HEAD_DIM if own[0].mandatory else own[0].default if type(own[0].default) is int else None


def _of_lanes(pair: Pair) -> str | None:
    """Show that the length of a pair of lanes changes, which no rotation does."""
    case, setup, space = _called(pair)
    name = call_snippet.names(pair.convention)[0]
    result = result_of(space, case, Worst(0, LAST, 0, 0, 0, 0.0), in_place=False)
    came, given = case.read(_results(space, case))[0], case.read_inputs(_inputs(space, case))[0]
    changed = (
        torch.linalg.vector_norm(came, dim=-1) - torch.linalg.vector_norm(given, dim=-1)
    ).abs()
    lanes = _lanes_of(case, int(changed[0, LAST, 0].argmax()))
    at = call_snippet.element(case, (0, LAST, 0, 0), lanes)
    value = [
        f"came = {result}{at}.norm()  # the length of lanes {lanes[0]} and {lanes[1]}, which are a pair",
        f"right = {name}{at}.norm()  # no rotation changes it",
    ]
    return with_values(_source(pair), "\n".join([*setup, *value, *PRINT]))


def _of_order(pair: Pair) -> str | None:
    """Show that row 0, which is position 0, turns."""
    case, setup, space = _called(pair)
    name = call_snippet.names(pair.convention)[0]
    result = result_of(space, case, Worst(0, 0, 0, 0, 0, 0.0), in_place=False)
    lanes = _lanes_of(case, 0)
    at = call_snippet.element(case, (0, 0, 0, 0), lanes)
    value = [
        f"came = {result}{at}  # row 0, lanes {lanes[0]} and {lanes[1]} of {name}",
        f"right = {name}{at}  # row 0 is position 0, which turns nothing",
    ]
    return with_values(_source(pair), "\n".join([*setup, *value, *PRINT]))


def _of_half(pair: Pair) -> str | None:
    """Show that a lane is not multiplied by its own cos, of tables as wide as a head whose halves differ."""
    width = pair.lanes
    if not pair.whole:
        return None
    if pair.convention.axes[-1] != "d":
        raise Unshowable("heads and their lanes are one axis")
    angles = pair.convention.form.angular
    name, own = ("table", ".cos()") if angles else ("cos", "")
    axes = pair.convention.all_table_axes
    row = tuple({"s": LAST, "w": slice(None)}.get(axis, 0) for axis in axes)
    _, _, space = _called(pair)
    values = space[name].cos() if angles else space[name]
    first, second = values[row].chunk(2)
    lane = width // 2 + int((first - second).abs().argmax())
    case, setup, space = _called(pair, lane)
    result = result_of(space, case, Worst(0, LAST, 0, 0, 0, 0.0), in_place=False)
    entry = ", ".join(str({"s": LAST, "w": [lane]}.get(axis, 0)) for axis in axes)
    value = [
        f"came = {result}{call_snippet.element(case, (0, LAST, 0, 0), [lane])}",
        f"right = {name}[{entry}]{own}  # of x, lane {lane} alone is not 0 but 1: what comes back there is its own cos",
    ]
    return with_values(_source(pair), "\n".join([*setup, *value, *PRINT]))


_SHOWN: dict[str, Callable[[Pair], str | None]] = {
    "lanes": _of_lanes,
    "order": _of_order,
    "half": _of_half,
}


def _source(pair: Pair) -> Source:
    """Return the lines that load the one as `f` and the other as `make`."""
    both = source_of(pair.taker), source_of(pair.maker)
    taker, maker = (list(each.lines) for each in both)
    own = [line for line in maker if line not in taker]
    return Source(
        (*taker, *own[:-1], f"make = {own[-1].removeprefix('f = ')}"), narrow=both[0].narrow
    )


def _called(pair: Pair, lane: int | None = None) -> tuple[Case, list[str], dict[str, Any]]:
    """Return the case, the lines that call both, and the names that are then known.

    `lane`: the only one of x that is not 0.
    """
    convention = pair.convention
    case = case_of(Attempt(convention, Sizes(2, 2, 2, pair.lanes, ROWS)))
    names = call_snippet.names(convention)
    given = {name: f"{name}.clone()" for name in names}
    made, named = _tables(pair, case)
    tensors = call_snippet.inputs(case)
    if lane is not None:
        zeros = [line.replace("torch.randn(", "torch.zeros(") for line in tensors[1:]]
        tensors = [*zeros, f"{names[0]}[..., {lane}] = 1.0"]
    setup = [
        *_source(pair).lines,
        "",
        *made,
        *tensors,
        *call_snippet.positions(case),
        f"returned = f({call_snippet.arguments(case, given | named)})",
    ]
    try:
        space = _source(pair).run("\n".join(setup))
    except Exception as error:  # the one does not take what the other makes
        raise Unshowable(str(error)) from error
    if space["returned"] is None:
        raise Unshowable("it gives back nothing")
    return case, setup, space


def _inputs(space: dict[str, Any], case: Case) -> tuple[torch.Tensor, ...]:
    return tuple(space[name] for name in call_snippet.names(case.convention))


def _results(space: dict[str, Any], case: Case) -> tuple[torch.Tensor, ...]:
    return results(space["returned"], _inputs(space, case), in_place=False)


def _lanes_of(case: Case, pair: int) -> list[int]:
    every = torch.arange(case.rotary_dim)
    found: list[int] = pairs(every, case.convention.pairing, case.convention.blocks)[pair].tolist()
    return found


def _tables(pair: Pair, case: Case) -> tuple[list[str], dict[str, str]]:
    """Return the lines that make the tables and lay them as they are taken, and what stands for which argument."""
    recipe, built, convention = pair.recipe, pair.built, pair.convention
    lines = [*_given(recipe), *table_doubt.inputs(recipe, ROWS, len(ROWS))]
    call = f"make({table_doubt.arguments(recipe, len(ROWS))})"
    names = built.order.split(", ") if ", " in built.order else ["table"]
    roles = list(map(role_of, convention.called_with))
    joined = [
        EXCHANGED.get(built.order, ""),
        EXCHANGED.get(EXCHANGED.get(built.order, "").strip("()"), ""),
    ]
    tuple_of = next((role for role in roles if role.startswith("(") and role in joined), None)
    if tuple_of:
        return [*lines, f"tables = {call}"], {tuple_of: "tables"}
    lines.append(f"{', '.join(names)} = {call}")
    rows = (
        ""
        if recipe.positions == "given"
        else f"[{', '.join(f':{len(ROWS)}' if axis == 's' else ':' for axis in built.axes)}]"
    )
    laid = _laid(built.axes, convention.all_table_axes, case.batch)
    lines += [f"{name} = {name}{rows}{laid}" for name in names if rows or laid]
    named = dict.fromkeys([role for role in roles if role == "table" or role in joined], "table")
    return lines, (named if names == ["table"] else {})


def _given(recipe: MakerCall) -> list[str]:
    """Return the line that makes points, where a maker is given those."""
    if not recipe.coordinates:
        return []
    points = [list(each[: recipe.coordinates]) for each in POINTS]
    ways = {"sc": "", "1sc": "[None]", "cs": ".T", "c1s": ".T[:, None]"}
    return [f"positions = torch.tensor({points}){ways[recipe.point_axes]}"]


def _laid(have: str, wanted: str, batch: int) -> str:
    """Return how a table with these axes is given others: `[0][:, None]`."""
    if have.replace("1", "").replace("b", "") != "sw" or set(wanted) - set("1bsw"):
        raise Unshowable(f"tables {have} for tables {wanted}")
    if have == wanted and "b" not in have:
        return ""
    plain = "" if have == "sw" else f"[{', '.join(':' if axis in 'sw' else '0' for axis in have)}]"
    wider = (
        f"[{', '.join(':' if axis in 'sw' else 'None' for axis in wanted)}]"
        if wanted != "sw"
        else ""
    )
    rows = [str(batch) if axis == "b" else "-1" for axis in wanted]
    return plain + wider + (f".expand({', '.join(rows)})" if "b" in wanted else "")
