"""Positions that are points of an image or a film: which pairs turn with which coordinate?"""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import coordinates, pairs, role_of, vocabulary
from rotcheck.convention.vocabulary import said
from rotcheck.identify.calling.match import Match, measure_call
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.identify.remarks import remark
from rotcheck.implementations.instances import copied
from rotcheck.results import Remark, Told

AXES = ("time", "height", "width")
_THREE = re.compile(r"\(3,\s*\w|\bM-?RoPE\b|\bmrope", re.IGNORECASE)
FAR = 257  # times the positions of the probe
EXCHANGED = "height and width are exchanged"
_ORDER = re.compile(r"(temporal|time|\bt\b)\W+(height|h\b)\W+(and\W+)?(width|w\b)", re.IGNORECASE)
_WAYS = (
    *(("3s", layout) for layout in ("thd", "t(hd)")),
    *(("3bs", layout) for layout in ("bhsd", "bshd", "bs(hd)")),
)


def sections_of(function: Callable[..., Any]) -> tuple[int, ...]:
    """Return how many pairs time, height and width have each; empty: an object neither holds nor is built with them."""
    own = getattr(function, "__self__", function)
    held = [value for name, value in _held(own) if said(name, vocabulary.SECTIONS)]
    whole = [
        tuple(each) for each in held if isinstance(each, list | tuple) and len(each) == len(AXES)
    ]
    return next((each for each in whole if all(type(count) is int for count in each)), ())


def _held(own: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object holds, numbers of a tensor as a list, and then the defaults that it is built with."""
    for name, value in getattr(own, "__dict__", {}).items():
        whole = isinstance(value, Tensor) and value.dim() == 1 and not value.is_floating_point()
        yield name, value.tolist() if whole else value
    built = {} if inspect.isroutine(own) else inspect.signature(type(own).__init__).parameters
    yield from ((name, one.default) for name, one in built.items())


def pair_of(function: Callable[..., Any], axis: int) -> int | None:
    """Return the first pair that should turn with an axis: 1 is height, 2 is width; None: nothing says so."""
    own, counts = getattr(function, "__self__", function), sections_of(function)
    for _, value in _held(own):
        axes = value if isinstance(value, list) and len(value) == sum(counts) else []
        if set(axes) == set(range(len(AXES))):
            return int(axes.index(axis))
    if any("interleave" in name and value is True for name, value in _held(own)):
        return axis  # time, height, width, time, ...
    return sum(counts[:axis]) if counts else None


def speaks_of_axes(function: Callable[..., Any]) -> bool:
    """Return whether a function or its object speaks of positions for time, height and width."""
    return bool(sections_of(function) or _THREE.search(documentation(function)))


def of_axes(found: Match) -> Match:
    """Return the call with positions for time, height and width, of a function that speaks of these and takes them."""
    convention, function = found.convention, found.caller.function
    given = "positions" in map(role_of, convention.arguments) and convention.tables == "positions"
    if not given or coordinates(convention.position_axes):
        return found
    if not speaks_of_axes(function):
        return found
    for axes, layout in sorted(_WAYS, key=lambda way: way[1] != convention.layout):
        trier = Caller(
            copied(function), found.caller.device, found.caller.probe, found.caller.dtype
        )
        try:
            seen = measure_call(trier, replace(convention, position_axes=axes, layout=layout))
        except Exception:  # it does not take positions with these axes
            continue
        if seen.exact:
            return replace(seen, on_cpu=found.on_cpu)
    return found


def of_points(found: Match) -> tuple[list[Told], list[Remark]]:
    """Return which pairs each coordinate turns, and what is wrong with that."""
    count = coordinates(found.convention.position_axes)
    if not count or not found.exact:
        return [], []
    by_head = [_turned(found, each) for each in range(count)]  # (H, P) bool each
    seen = f"positions of {count} coordinates, of which all but one are 0"
    if any(bool((turns != turns[0]).any()) for turns in by_head):
        says = f"points of {count} coordinates: some heads turn with one, some with another"
        return [Told(field="positions", says=says, because=seen)], []
    turned = [turns[0] for turns in by_head]  # (P,) each
    idle = [each for each, turns in enumerate(turned) if not bool(turns.any())]
    if idle:
        words = f"turns no pair with {' and '.join(_name(found, each) for each in idle)} of {count}"
        if _in_front(found):
            words = (
                f"of positions (3, ...) {' and '.join(AXES[each] for each in idle)} turn nothing"
            )
        return [], [remark("coordinates", words, seen)]
    if bool((torch.stack(turned).int().sum(0) > 1).any()):
        return [], [remark("coordinates", "turns the same pairs with several coordinates", seen)]
    shown = ", ".join(
        f"{_span(turns)} with {_name(found, each)}" for each, turns in enumerate(turned)
    )
    told = Told(
        field="positions", says=f"points of {count} coordinates: pairs {shown}", because=seen
    )
    return [told], _exchanged(found, turned, seen) if _in_front(found) else []


def _exchanged(found: Match, turned: Sequence[Tensor], seen: str) -> list[Remark]:
    """Return that height and width each turn the other's section, where an object says how many pairs each has."""
    wanted = [pair_of(found.caller.function, axis) for axis in range(len(AXES))]
    owners = [
        next((axis for axis, turns in enumerate(turned) if turns[pair]), -1)
        for pair in wanted
        if pair is not None
    ]
    if owners != [0, 2, 1]:
        return []
    words = f"{EXCHANGED}: pairs {_span(turned[2])}, the section of height, turn with width"
    return [remark("coordinates", words, seen)]


def says_order(function: Callable[..., Any]) -> bool:
    """Return whether a docstring says that positions are for time, height and width, in this order."""
    return _ORDER.search(documentation(function)) is not None


def _in_front(found: Match) -> bool:
    """Return whether positions are those of M-RoPE: for time, height and width, one after another."""
    return found.convention.position_axes.startswith("3")


def _name(found: Match, coordinate: int) -> str:
    return AXES[coordinate] if _in_front(found) else f"coordinate {coordinate}"


def _turned(found: Match, coordinate: int) -> torch.Tensor:
    """Return which pairs (H, P) of each head turn when only this coordinate is not 0."""
    convention, trier = found.convention, found.caller
    far = tuple(FAR * position for position in trier.probe.positions)
    try:  # slow pairs hardly turn near 0
        result = (
            _at(trier, far).with_changes(coordinate=coordinate).rotate_ones(convention)[0]
        )  # (S, H, D)
    except Exception:  # it has no such positions
        result = trier.with_changes(coordinate=coordinate).rotate_ones(convention)[0]  # (S, H, D)
    moved = (result - 1).abs().amax(0) > TOLERANCE / 10  # (H, D)
    lanes = moved[:, : convention.rotary_dim or moved.shape[-1]]
    return pairs(lanes, convention.written, convention.blocks).any(-1)


def _at(trier: Caller, positions: tuple[int, ...]) -> Caller:
    return Caller(
        trier.function, trier.device, replace(trier.probe, positions=positions), trier.dtype
    )


def _span(turns: torch.Tensor) -> str:
    """Return which pairs are True, in words."""
    at = turns.nonzero().flatten().tolist()
    if at == list(range(at[0], at[-1] + 1)):
        return f"{at[0]} to {at[-1]}"
    return ", ".join(map(str, at[:4])) + (", ..." if len(at) > 4 else "")
