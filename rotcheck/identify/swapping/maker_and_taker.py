"""Inside a worker: what two functions of one file do together.

The tables that the one makes go into the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from rotcheck.convention import Convention, role_of, vocabulary
from rotcheck.convention.calls import results
from rotcheck.convention.vocabulary import is_named
from rotcheck.identify import function_identification
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.making import maker_search, maker_snippet
from rotcheck.identify.making.maker_call_candidates import HEAD_DIM, MakerCall
from rotcheck.identify.making.table_reading import RotaryTables
from rotcheck.identify.showing import call_snippet
from rotcheck.identify.showing.attempts import Attempt, case_of
from rotcheck.identify.showing.function_source import Source, source_of
from rotcheck.identify.showing.value_demonstration import CLONE, result_of
from rotcheck.identify.swapping.file_fit import EXCHANGE
from rotcheck.identify.telling import table_doubt
from rotcheck.identify.worker_device import place, settle
from rotcheck.implementations.target import Target, resolve
from rotcheck.measure.case import Case, Sizes

FIRST_POSITIONS = (0, 1, 2, 3)
POINTS = ((0, 0, 0), (1, 0, 0), (0, 1, 1), (2, 3, 5))
LAST = len(FIRST_POSITIONS) - 1


class Unshowable(Exception):
    """No plain lines are known for a call of both."""


@dataclass(frozen=True, slots=True)
class MakerAndTaker:
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


def open_pair(setup: dict[str, Any]) -> Callable[[str], str | None]:
    """Load `setup["maker"]` and `setup["taker"]` for `setup["device"]`; return what shows
    that they do not fit.

    The task is in which way: `lanes`, `order` or `half`. The answer is Python that shows it,
    or None.
    """
    settle(setup["device"])
    device = place(setup["device"])
    taker, maker = (resolve(setup[name], setup["device"]) for name in ("taker", "maker"))

    def answer(kind: str) -> str | None:
        maker_call = maker_search.find_for_positions(maker.function, device)
        convention = function_identification.identify(taker, device).convention
        if maker_call is None or convention is None:
            return None
        try:
            return _DEMONSTRATIONS[kind](MakerAndTaker(taker, maker, convention, *maker_call))
        except Unshowable:
            return None

    return answer


def _head_dim(maker: Target) -> int | None:
    """Return how wide a head is, as the maker is told or has it by default;
    None: nothing says so."""
    names = (vocabulary.HEAD_DIM, vocabulary.ROTARY_DIM)
    parameters_of_width = [
        parameter
        for parameter in parameters(maker.function) or ()
        if any(is_named(parameter.name, meanings) for meanings in names)
    ]
    if len(parameters_of_width) != 1:
        return None
    return (
        HEAD_DIM
        if parameters_of_width[0].mandatory
        else parameters_of_width[0].default
        if type(parameters_of_width[0].default) is int
        else None
    )


def _of_lanes(pair: MakerAndTaker) -> str | None:
    """Show that the length of a pair of lanes changes, which no rotation does."""
    both = _call_both(pair)
    came = both.case.read(results(both.space["returned"], both.inputs, in_place=False))[0]
    x = both.case.read_inputs(both.inputs)[0]
    length_changes = (
        torch.linalg.vector_norm(came, dim=-1) - torch.linalg.vector_norm(x, dim=-1)
    ).abs()
    lanes = call_snippet.lanes_of(both.case, int(length_changes[0, LAST, 0].argmax()))
    at = both.element(LAST, lanes)
    return both.show(
        f"came = {both.result}{at}.norm()  # the length of lanes {lanes[0]} and {lanes[1]}, which are a pair",
        f"right = {both.name}{at}.norm()  # no rotation changes it",
    )


def _of_order(pair: MakerAndTaker) -> str | None:
    """Show that row 0, which is position 0, turns."""
    both = _call_both(pair)
    lanes = call_snippet.lanes_of(both.case, 0)
    at = both.element(0, lanes)
    return both.show(
        f"came = {both.result}{at}  # row 0, lanes {lanes[0]} and {lanes[1]} of {both.name}",
        f"right = {both.name}{at}  # row 0 is position 0, which turns nothing",
    )


def _of_half(pair: MakerAndTaker) -> str | None:
    """Show that a lane is not multiplied by its own cos,
    of tables as wide as a head whose halves differ."""
    if not pair.whole:
        return None
    if pair.convention.axes[-1] != "d":
        raise Unshowable("heads and their lanes are one axis")
    angles = pair.convention.form.angular
    name, cos_code = ("table", ".cos()") if angles else ("cos", "")
    axes = pair.convention.all_table_axes
    row = tuple({"s": LAST, "w": slice(None)}.get(axis, 0) for axis in axes)
    table = _call_both(pair).space[name]
    first, second = (table.cos() if angles else table)[row].chunk(2)
    lane = pair.lanes // 2 + int((first - second).abs().argmax())
    both = _call_both(pair, lane)
    entry = ", ".join(str({"s": LAST, "w": [lane]}.get(axis, 0)) for axis in axes)
    return both.show(
        f"came = {both.result}{both.element(LAST, [lane])}",
        f"right = {name}[{entry}]{cos_code}  # of x, lane {lane} alone is not 0 but 1: "
        "what comes back there is its own cos",
    )


_DEMONSTRATIONS: dict[str, Callable[[MakerAndTaker], str | None]] = {
    "lanes": _of_lanes,
    "order": _of_order,
    "half": _of_half,
}


def _source(pair: MakerAndTaker) -> Source:
    """The lines that load the one as `f` and the other as `make`."""
    sources = source_of(pair.taker), source_of(pair.maker)
    taker, maker = (list(source.lines) for source in sources)
    maker_lines = [line for line in maker if line not in taker]
    return Source(
        (*taker, *maker_lines[:-1], f"make = {maker_lines[-1].removeprefix('f = ')}"),
        narrow=sources[0].narrow,
    )


@dataclass(frozen=True, slots=True)
class JointCall:
    """A call of both in a row: its case, the lines that make it,
    and the names that are then known."""

    source: Source
    case: Case
    lines: list[str]
    space: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the first tensor that goes in."""
        return call_snippet.names(self.case.convention)[0]

    @property
    def inputs(self) -> tuple[torch.Tensor, ...]:
        """The tensors that go in."""
        return tuple(self.space[name] for name in call_snippet.names(self.case.convention))

    @property
    def result(self) -> str:
        """The expression of the first tensor that comes back."""
        return result_of(self.space, self.case)

    def element(self, row: int, lanes: list[int]) -> str:
        """The index of lanes in a row of the first batch row and head."""
        return call_snippet.element(self.case, (0, row, 0, 0), lanes)

    def show(self, *value: str) -> str | None:
        """Python that makes the call and prints the value that came and the one that is right."""
        return self.source.show([*self.lines, *value])


def _call_both(pair: MakerAndTaker, lane: int | None = None) -> JointCall:
    """Call both; `lane`: the only one of x that is not 0. Raises `Unshowable`."""
    convention, source = pair.convention, _source(pair)
    case = case_of(Attempt(convention, Sizes(2, 2, 2, pair.lanes, FIRST_POSITIONS)))
    table_lines, table_names = _tables(pair, case)
    tensors = call_snippet.inputs(case)
    if lane is not None:
        zeros = [line.replace("torch.randn(", "torch.zeros(") for line in tensors[1:]]
        tensors = [*zeros, f"{call_snippet.names(convention)[0]}[..., {lane}] = 1.0"]
    call = f"returned = {call_snippet.call(case, CLONE, table_names)}"
    lines = [*table_lines, *tensors, *call_snippet.positions(case), call]
    try:
        space = source.run(lines)
    except Exception as error:  # the one does not take what the other makes
        raise Unshowable(str(error)) from error
    if space["returned"] is None:
        raise Unshowable("it returns nothing")
    return JointCall(source, case, lines, space)


def _tables(pair: MakerAndTaker, case: Case) -> tuple[list[str], dict[str, str]]:
    """Return the lines that make the tables and lay them as they are taken,
    and what stands for which argument."""
    recipe, form, convention = pair.recipe, pair.built, pair.convention
    lines = [
        *_point_lines(recipe),
        *table_doubt.inputs(recipe, FIRST_POSITIONS, len(FIRST_POSITIONS)),
    ]
    call = f"make({', '.join(maker_snippet.arguments(recipe, len(FIRST_POSITIONS)))})"
    names = form.order.split(", ") if ", " in form.order else ["table"]
    roles = list(map(role_of, convention.called_with))
    joint_roles = [
        EXCHANGE.get(form.order, ""),
        EXCHANGE.get(EXCHANGE.get(form.order, "").strip("()"), ""),
    ]
    tuple_of = next((role for role in roles if role.startswith("(") and role in joint_roles), None)
    if tuple_of:
        return [*lines, f"tables = {call}"], {tuple_of: "tables"}
    lines.append(f"{', '.join(names)} = {call}")
    rows = (
        ""
        if recipe.positions == "given"
        else f"[{', '.join(f':{len(FIRST_POSITIONS)}' if axis == 's' else ':' for axis in form.axes)}]"
    )
    layout_code = _axes_code(form.axes, convention.all_table_axes, case.batch)
    lines += [f"{name} = {name}{rows}{layout_code}" for name in names if rows or layout_code]
    names_by_role = dict.fromkeys(
        [role for role in roles if role == "table" or role in joint_roles], "table"
    )
    return lines, (names_by_role if names == ["table"] else {})


def _point_lines(recipe: MakerCall) -> list[str]:
    """Return the line that makes points, where a maker is given those."""
    if not recipe.coordinates:
        return []
    points = [list(point[: recipe.coordinates]) for point in POINTS]
    ways = {"sc": "", "1sc": "[None]", "cs": ".T", "c1s": ".T[:, None]"}
    return [f"positions = torch.tensor({points}){ways[recipe.point_axes]}"]


def _axes_code(have: str, target_axes: str, batch: int) -> str:
    """Return how a table with these axes is given others: `[0][:, None]`."""
    if have.replace("1", "").replace("b", "") != "sw" or set(target_axes) - set("1bsw"):
        raise Unshowable(f"tables {have} for tables {target_axes}")
    if have == target_axes and "b" not in have:
        return ""
    plain = "" if have == "sw" else f"[{', '.join(':' if axis in 'sw' else '0' for axis in have)}]"
    wider = (
        f"[{', '.join(':' if axis in 'sw' else 'None' for axis in target_axes)}]"
        if target_axes != "sw"
        else ""
    )
    rows = [str(batch) if axis == "b" else "-1" for axis in target_axes]
    return plain + wider + (f".expand({', '.join(rows)})" if "b" in target_axes else "")
