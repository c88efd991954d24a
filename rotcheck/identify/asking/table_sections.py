"""Of three tables, for time, height and width: from which of them each lane takes its angle."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from rotcheck.convention import Sections, lanes
from rotcheck.convention.sections import sections
from rotcheck.identify.angles.object_sections import AXES
from rotcheck.identify.asking.question import Answer
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.identify.remarks import remark
from rotcheck.results import FieldEvidence
from rotcheck.rotary.tables import section_axes

_WORDS: dict[Sections, str] = {
    "blocks": "section after section: the first pairs turn with time, then height, then width",
    "interleaved": "in turn: pairs turn with time, height, width, time, ...",
}


def with_sections(match: Match) -> tuple[Match, Answer]:
    """The call with the order of its sections, what told so, and what is wrong with them."""
    if "g" not in match.convention.table_axes or not match.exact:
        return match, Answer()
    owners = _owners(match)
    pairs = match.caller.probe.rotary // 2
    counts = ", ".join(map(str, sections(pairs)))
    evidence = f"sections of {counts} pairs; one of the three tables after another held zeros"
    for order, message in _WORDS.items():
        axes = section_axes(pairs, order)  # (P,)
        if owners == lanes(torch.stack((axes, axes), -1), match.convention.output_order).tolist():
            convention = replace(match.convention, sections=order)
            fact = FieldEvidence(field="sections", says=message, because=evidence)
            return replace(match, convention=convention), Answer(evidence=(fact,))
    in_halves = match.convention.output_order == "half"
    message = departure(owners, in_halves=in_halves)
    return match, Answer((remark("sections", message, evidence),))


def _owners(match: Match) -> list[int]:
    """The table that each rotating lane follows: 0, 1, 2; or -1, none or several of them."""
    convention, caller = match.convention, match.caller
    whole = caller.rotate_ones(convention)  # (B, S, H, D)
    without = [
        caller.with_changes(without=axis).rotate_ones(convention) for axis in range(len(AXES))
    ]
    changes = [
        (outputs - whole).abs().amax((0, 1, 2)) > TOLERANCE for outputs in without
    ]  # (D,) each
    follows = torch.stack(changes)[:, : convention.rotary_dim or None]  # (3, rotary_dim)
    return [int(lane.int().argmax()) if int(lane.sum()) == 1 else -1 for lane in follows.unbind(-1)]


def departure(owners: Sequence[int], *, in_halves: bool) -> str:
    """Where lanes take their angles, in words, and where the lanes of a pair take different ones.

    `owners`: the table of each lane, -1: none or several. `in_halves`: i is paired with i + D/2.
    """
    half = len(owners) // 2
    step = 1 if in_halves else 2
    for pair in range(half):
        first = step * pair
        second = first + (half if in_halves else 1)
        if owners[first] != owners[second]:
            return (
                f"lane {first} takes its angle from the table of {_axis(owners[first])}, its partner {second} from "
                f"that of {_axis(owners[second])}: the sections are laid over lanes and not over pairs"
            )
    tables = ", ".join(_axis(owners[pair * step]) for pair in range(half))
    return f"takes the angles of its pairs from the tables of {tables}: neither section after section nor in turn"


def _axis(owner: int) -> str:
    return AXES[owner] if owner >= 0 else "no axis or several"
