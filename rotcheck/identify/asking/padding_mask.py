"""A padding mask that a function rotates by: do the positions of a row begin at its first token?"""

import torch

from rotcheck.convention import role_of
from rotcheck.identify.asking.question import Answer, CallQuestion
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.calling.role_evidence import documentation, padding_side
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.results import FieldEvidence

ZEROS = 2  # in front of the first row of a mask
EVIDENCE = f"a mask (B, S) whose first row begins with {ZEROS} zeros, beside one of ones"


def _ask(match: Match) -> Answer:
    """Call it with padding on the left; `idle_arguments` asks whether a mask has any effect."""
    name = mask_of(match)
    if not name or not match.exact:
        return Answer()
    plain = match.caller.rotate_ones(match.convention)  # (B, S, H, D)
    try:
        with_padding = match.caller.with_changes(padding=ZEROS).rotate_ones(match.convention)
    except Exception as error:  # it takes no padding; a function may raise anything
        return Answer(doubt=f"with `{name}` of padding it raises {type(error).__name__}")
    if torch.allclose(with_padding, plain, atol=TOLERANCE):
        return Answer()
    first_row_moves = torch.allclose(with_padding[0, ZEROS:], plain[0, :-ZEROS], atol=TOLERANCE)
    if first_row_moves and torch.allclose(with_padding[1:], plain[1:], atol=TOLERANCE):
        message = f"with padding on the left, a row's begin at its first token, by `{name}`"
        return Answer(evidence=(FieldEvidence(field="positions", says=message, because=EVIDENCE),))
    return Answer(
        doubt=f"with padding on the left, `{name}` moves positions, "
        "and a row's first token is not at position 0"
    )


def must_move(match: Match) -> str:
    """The name of a mask that is not said to be padded on the right; empty: there is none."""
    text = documentation(match.caller.function)
    return "" if padding_side(text) == "right" else mask_of(match)


def mask_of(match: Match) -> str:
    """The name of the mask that a function is handed; empty: it is handed none."""
    names = (parameter.name for parameter in parameters(match.caller.function) or ())
    masks = (
        argument.rpartition("=")[0] or name
        for name, argument in zip(names, match.convention.arguments)
        if role_of(argument) == "mask"
    )
    return next(masks, "")


QUESTION = CallQuestion(rank=40, ask=_ask)
