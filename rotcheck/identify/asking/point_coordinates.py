"""Positions that are points of an image or a film: which pairs turn with which coordinate?"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import coordinates, pairs, role_of
from rotcheck.identify.angles.object_sections import AXES, first_pair, sections_of
from rotcheck.identify.asking.question import Answer, CallQuestion
from rotcheck.identify.call_outcome import result_or_none
from rotcheck.identify.calling.call_match import Match, measure_call
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.identify.remarks import remark
from rotcheck.implementations.instances import copy_of
from rotcheck.results import FieldEvidence, Remark

FAR = 257  # times the positions of the probe
_THREE = re.compile(r"\(3,\s*\w|\bM-?RoPE\b|\bmrope", re.IGNORECASE)
_ORDER = re.compile(r"(temporal|time|\bt\b)\W+(height|h\b)\W+(and\W+)?(width|w\b)", re.IGNORECASE)
_WAYS = (
    *(("3s", layout) for layout in ("thd", "t(hd)")),
    *(("3bs", layout) for layout in ("bhsd", "bshd", "bs(hd)")),
)


def speaks_of_axes(function: Callable[..., Any]) -> bool:
    """Whether a function or its object speaks of positions for time, height and width."""
    return bool(sections_of(function) or _THREE.search(documentation(function)))


def says_order(function: Callable[..., Any]) -> bool:
    """Whether a docstring says that positions are for time, height and width, in this order."""
    return _ORDER.search(documentation(function)) is not None


def with_three_axes(match: Match) -> Match:
    """The call with positions (3, ...), if the function speaks of these and takes them."""
    convention, caller = match.convention, match.caller
    takes_positions = not convention.takes_tables and "positions" in map(
        role_of, convention.arguments
    )
    if not takes_positions or coordinates(convention.position_axes):
        return match
    if not speaks_of_axes(caller.function):
        return match
    for axes, layout in sorted(_WAYS, key=lambda way: way[1] != convention.layout):
        fresh = Caller(copy_of(caller.function), caller.device, caller.probe, caller.dtype)
        call = replace(convention, position_axes=axes, layout=layout)
        with_points = result_or_none(partial(measure_call, fresh, call))
        if with_points and with_points.exact:
            return replace(with_points, on_cpu=match.on_cpu)
    return match


def _ask(match: Match) -> Answer:
    """Call it with points of which all coordinates but one are 0."""
    count = coordinates(match.convention.position_axes)
    if not count or not match.exact:
        return Answer()
    by_head = [_turning(match, axis) for axis in range(count)]  # (H, P) bool each
    evidence = f"positions of {count} coordinates, all but one of them 0"
    if any(bool((turning != turning[0]).any()) for turning in by_head):
        message = f"points of {count} coordinates: some heads turn with one, some with another"
        return Answer(evidence=(FieldEvidence(field="positions", says=message, because=evidence),))
    turning = [heads[0] for heads in by_head]  # (P,) each
    fault = _fault(match, turning)
    if fault:
        idle = (axis for axis, mask in zip(AXES, turning) if not bool(mask.any()))
        return Answer((remark("coordinates", fault, evidence, aspect=next(idle, None)),))
    parts = ", ".join(
        f"{_span(mask)} with {_name(match, axis)}" for axis, mask in enumerate(turning)
    )
    message = f"points of {count} coordinates: pairs {parts}"
    evidence_of_pairs = FieldEvidence(field="positions", says=message, because=evidence)
    remarks = _of_exchange(match, turning, evidence) if _is_mrope(match) else ()
    return Answer(tuple(remarks), (evidence_of_pairs,))


def _fault(match: Match, turning: Sequence[Tensor]) -> str:
    """What is wrong with the pairs (P,) that each coordinate turns, in words; empty: nothing."""
    idle = [axis for axis, mask in enumerate(turning) if not bool(mask.any())]
    names = " and ".join(_name(match, axis) for axis in idle)
    if idle and _is_mrope(match):
        return f"of positions (3, ...) {names} turn nothing"
    if idle:
        return f"turns no pair with {names} of {len(turning)}"
    if bool((torch.stack(tuple(turning)).int().sum(0) > 1).any()):
        return "turns the same pairs with several coordinates"
    return ""


def _of_exchange(match: Match, turning: Sequence[Tensor], evidence: str) -> list[Remark]:
    """Say that height and width each turn the section that an object gives the other."""
    firsts = [first_pair(match.caller.function, axis) for axis in range(len(AXES))]
    owners = [
        next((axis for axis, mask in enumerate(turning) if mask[pair]), -1)
        for pair in firsts
        if pair is not None
    ]
    if owners != [0, 2, 1]:
        return []
    pairs_of_height = f"pairs {_span(turning[2])}, the section of height"
    message = f"height and width are exchanged: {pairs_of_height}, turn with width"
    return [remark("coordinates", message, evidence, aspect="exchanged")]


def _is_mrope(match: Match) -> bool:
    """Whether positions are for time, height and width, one after another."""
    return match.convention.position_axes.startswith("3")


def _name(match: Match, coordinate: int) -> str:
    return AXES[coordinate] if _is_mrope(match) else f"coordinate {coordinate}"


def _turning(match: Match, coordinate: int) -> Tensor:
    """Which pairs (H, P) of each head turn when only this coordinate is not 0."""
    convention, caller = match.convention, match.caller

    def outputs(caller: Caller) -> Tensor:
        return caller.with_changes(coordinate=coordinate).rotate_ones(convention)

    # slow pairs hardly turn near 0
    far = caller.with_sizes(positions=tuple(FAR * at for at in caller.probe.positions))
    distant = result_or_none(lambda: outputs(far))
    output = (outputs(caller) if distant is None else distant)[0]  # (S, H, D)
    moves = (output - 1).abs().amax(0) > TOLERANCE / 10  # (S, H, D) to (H, D)
    lanes = moves[:, : convention.rotary_dim or moves.shape[-1]]
    return pairs(lanes, convention.output_order, convention.blocks).any(-1)


def _span(mask: Tensor) -> str:
    """Which pairs are True, in words."""
    at = mask.nonzero().flatten().tolist()
    if at == list(range(at[0], at[-1] + 1)):
        return f"{at[0]} to {at[-1]}"
    return ", ".join(map(str, at[:4])) + (", ..." if len(at) > 4 else "")


QUESTION = CallQuestion(rank=30, ask=_ask)
