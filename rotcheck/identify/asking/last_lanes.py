"""Of a head that is wider than the tables: do the last lanes turn, and not the first?"""

import re

import torch

from rotcheck.identify.asking.question import Answer, CallQuestion
from rotcheck.identify.call_outcome import result_or_none
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.identify.remarks import remark
from rotcheck.results import FieldEvidence

_FIRST = re.compile(
    r"\bfirst\b[^.;\n]{0,30}\b(lanes|dim(ension)?s?|channels|features|elements|components|\w*rotary_\w+|rot_dim)\b",
    re.IGNORECASE,
)


def _ask(match: Match) -> Answer:
    """Call it with a head of twice as many lanes, and compare with its docstring."""
    if match.convention.rotary_dim or not match.exact or match.convention.is_packed:
        return Answer()
    width = match.caller.probe.width
    if not _last_lanes_turn(match, width):
        return Answer()
    message = f"turns the last {width} of {2 * width} lanes"
    evidence = "a head of twice as many lanes, whose first come back as they went in"
    if _FIRST.search(documentation(match.caller.function)):
        contradiction = f"{message}, and its docstring says the first"
        return Answer((remark("rotary-dim", contradiction, evidence, aspect="last lanes"),))
    choice = f"{message}, as DeepSeek has it; GPT-J, GPT-NeoX and Phi turn the first"
    return Answer(
        (remark("rotary-dim", choice, evidence, mistake=False),),
        (FieldEvidence(field="lanes", says=message, because=evidence),),
    )


def _last_lanes_turn(match: Match, width: int) -> bool:
    """Whether of a head of twice the width the last half turns right, and the first stays."""
    convention, caller = match.convention, match.caller
    wide = caller.with_sizes(width=2 * width)
    x = wide.random(convention)
    outputs = result_or_none(lambda: wide.call(convention, x)[0])  # (B, S, H, 2D)
    if outputs is None:
        return False
    # (B, S, H, D)
    right = result_or_none(lambda: caller.call(convention, [slot[..., width:] for slot in x])[0])
    return (
        right is not None
        and torch.allclose(outputs[..., :width], x[0][..., :width], atol=TOLERANCE)
        and torch.allclose(outputs[..., width:], right, atol=TOLERANCE)
    )


QUESTION = CallQuestion(rank=50, ask=_ask)
