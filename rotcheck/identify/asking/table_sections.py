"""Of three tables, for time, height and width: from which of them each lane takes its angle."""

from dataclasses import replace

import torch

from rotcheck.convention import Sections, lanes
from rotcheck.convention.sections import sections
from rotcheck.identify.calling.match import Match
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark, Told
from rotcheck.rotary.tables import section_axes

AXES = ("time", "height", "width")
ORDERS: tuple[Sections, ...] = ("blocks", "interleaved")


def of_tables(found: Match) -> tuple[Match, list[Told], list[Remark]]:
    """Return the convention with the order of its sections, what told so, and what is wrong with them."""
    if "g" not in found.convention.table_axes or not found.exact:
        return found, [], []
    owners = _owners(found)
    pairs = found.caller.probe.rotary // 2
    given = ", ".join(map(str, sections(pairs)))
    seen = f"sections of {given} pairs; one of the three tables after another held zeros"
    for order in ORDERS:
        expected = section_axes(pairs, order)  # (P,)
        if (
            owners
            == lanes(torch.stack((expected, expected), -1), found.convention.written).tolist()
        ):
            known = replace(found.convention, sections=order)
            return (
                replace(found, convention=known),
                [Told(field="sections", says=_WORDS[order], because=seen)],
                [],
            )
    return found, [], [remark("sections", _departure(found, owners), seen)]


_WORDS: dict[Sections, str] = {
    "blocks": "section after section: the first pairs turn with time, then height, then width",
    "interleaved": "in turn: pairs turn with time, height, width, time, ...",
}


def _owners(found: Match) -> list[int]:
    """Return for each lane that rotates the table that it follows: 0, 1, 2; or -1, none or several of them."""
    whole = found.caller.rotate_ones(found.convention)  # (B, S, H, D)
    without = [
        found.caller.with_changes(without=axis).rotate_ones(found.convention)
        for axis in range(len(AXES))
    ]
    changed = [(each - whole).abs().amax((0, 1, 2)) > TOLERANCE for each in without]  # (D,) each
    followed = torch.stack(changed)[:, : found.convention.rotary_dim or None]  # (3, rotary_dim)
    return [
        int(lane.int().argmax()) if int(lane.sum()) == 1 else -1 for lane in followed.unbind(-1)
    ]


def _departure(found: Match, owners: list[int]) -> str:
    """Return in words where lanes take their angles, and where one of a pair takes another than its partner."""
    half = len(owners) // 2
    in_halves = found.convention.written == "half"
    for pair in range(half):
        first, second = (pair, pair + half) if in_halves else (2 * pair, 2 * pair + 1)
        if owners[first] != owners[second]:
            return (
                f"lane {first} takes its angle from the table of {_axis(owners[first])}, its partner {second} from "
                f"that of {_axis(owners[second])}: the sections are laid over lanes and not over pairs"
            )
    step = 1 if in_halves else 2
    dealt = ", ".join(_axis(owners[pair * step]) for pair in range(half))
    return f"takes the angles of its pairs from the tables of {dealt}: neither section after section nor in turn"


def _axis(owner: int) -> str:
    return AXES[owner] if owner >= 0 else "no axis or several"
