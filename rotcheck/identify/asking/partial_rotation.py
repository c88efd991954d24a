"""Fewer lanes than a head has: do those that tables are for turn, and are they the first lanes or the last?"""

import re
from dataclasses import replace

import torch

from rotcheck.identify.calling.match import Match, measure_call
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.defects import find_defect
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark, Told

LAST = "turns the last"
_FIRST = re.compile(
    r"\bfirst\b[^.;\n]{0,30}\b(lanes|dim(ension)?s?|channels|features|elements|components|\w*rotary_\w+|rot_dim)\b",
    re.IGNORECASE,
)


def of_narrow_tables(found: Match) -> list[Remark]:
    """Return what is wrong with the lanes that should stay, of a function that takes tables for half of them."""
    probe, known = found.caller.probe, found.convention
    if known.tables == "positions" or not found.exact or probe.rotary != probe.width:
        return []
    other = Caller(
        found.caller.function, found.caller.device, replace(probe, rotary=probe.width // 2)
    )
    try:
        narrow = measure_call(other, known, lane_by_lane=False)
    except Exception:  # it takes tables for all lanes alone
        return []
    if narrow.exact:
        return []
    departs = find_defect(narrow.response, probe.positions)
    if not departs.words or departs.vague:
        return []
    seen = f"tables for {probe.width // 2} lanes of {probe.width}"
    return [remark("rotary-dim", f"with tables for half of the lanes, {departs.words}", seen)]


def of_turning_lanes(found: Match) -> Match:
    """Return the call in heads of half the width, of which the first lanes of wider heads stand still."""
    probe, angles = found.caller.probe, found.reading.angles
    if (
        found.convention.blocks != 2
        or angles is None
        or bool(angles[:, : angles.shape[1] // 2].abs().max() > TOLERANCE)
    ):
        return found
    half = replace(probe, width=probe.width // 2, rotary=probe.rotary // 2)
    try:
        narrow = measure_call(
            Caller(found.caller.function, found.caller.device, half, found.caller.dtype),
            replace(found.convention, blocks=1),
        )
    except Exception:  # its heads are all of one width
        return found
    return (
        replace(narrow, on_cpu=found.on_cpu)
        if narrow.exact and narrow.convention.blocks == 1
        else found
    )


def of_last_lanes(found: Match) -> tuple[list[Told], list[Remark]]:
    """Return that of a wider head the last lanes turn, and whether its docstring speaks of the first."""
    probe, known = found.caller.probe, found.convention
    if known.rotary_dim or not found.exact or known.packed:
        return [], []
    wide = Caller(
        found.caller.function,
        found.caller.device,
        replace(probe, width=2 * probe.width),
        found.caller.dtype,
    )
    x = wide.random(known)
    try:
        turned = wide.call(known, x)[0]  # (B, S, H, 2D)
        alone = found.caller.call(known, [slot[..., probe.width :] for slot in x])[
            0
        ]  # (B, S, H, D)
    except Exception:  # its heads are all of one width
        return [], []
    first, last = turned[..., : probe.width], turned[..., probe.width :]
    stays = torch.allclose(first, x[0][..., : probe.width], atol=TOLERANCE)
    if not stays or not torch.allclose(last, alone, atol=TOLERANCE):
        return [], []
    words = f"{LAST} {probe.width} of {2 * probe.width} lanes"
    seen = "a head of twice as many lanes, whose first come back as they went in"
    if _FIRST.search(documentation(found.caller.function)):
        return [], [remark("rotary-dim", f"{words}, and its docstring speaks of the first", seen)]
    choice = f"{words}, as DeepSeek has it; GPT-J, GPT-NeoX and Phi turn the first"
    return [Told(field="lanes", says=words, because=seen)], [
        remark("rotary-dim", choice, seen, mistake=False)
    ]
