"""A mask of padding that a function rotates by: do the positions of a row begin at its first token?"""

import re

import torch

from rotcheck.convention import role_of
from rotcheck.identify.calling.match import Match
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.calling.templates import parameters
from rotcheck.identify.reading.response import TOLERANCE
from rotcheck.results import Told

PADDED = 2  # zeros in front of the first row of a mask
_PADDED = re.compile(r"\bpad", re.IGNORECASE)
_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)
SEEN = f"a mask (B, S) whose first row begins with {PADDED} zeros, beside one of ones"


def of_mask(found: Match) -> tuple[list[Told], str | None]:
    """Return what a mask of padding on the left does to positions, or why that is not understood.

    Whether it changes anything is asked of it as of any argument.
    """
    name = mask_of(found)
    if not name or not found.exact:
        return [], None
    usual = found.caller.rotate_ones(found.convention)  # (B, S, H, D)
    try:
        padded = found.caller.with_changes(padding=PADDED).rotate_ones(
            found.convention
        )  # (B, S, H, D)
    except Exception as error:  # it takes no padding
        return [], f"with `{name}` of padding it raises {type(error).__name__}"
    if torch.allclose(padded, usual, atol=TOLERANCE):
        return [], None
    begins = torch.allclose(padded[0, PADDED:], usual[0, :-PADDED], atol=TOLERANCE)
    if begins and torch.allclose(padded[1:], usual[1:], atol=TOLERANCE):
        says = f"with padding on the left, a row's begin at its first token, by `{name}`"
        return [Told(field="positions", says=says, because=SEEN)], None
    return (
        [],
        f"with padding on the left, `{name}` moves positions, and a row's first token is not at position 0",
    )


def must_move(found: Match) -> str:
    """Return the mask of padding that is not said to be on the right; empty: there is none."""
    return "" if padded_on(documentation(found.caller.function)) == "right" else mask_of(found)


def padded_on(text: str) -> str:
    """Return the side on which a text says that rows are padded; empty: it says none, or both."""
    sides = {side.lower() for side in _SIDES.findall(text)} if _PADDED.search(text) else set()
    return sides.pop() if len(sides) == 1 else ""


def mask_of(found: Match) -> str:
    """Return what a function calls the mask that it is handed; empty: it is handed none."""
    names = (one.name for one in parameters(found.caller.function) or ())
    given = (
        one.rpartition("=")[0] or name
        for name, one in zip(names, found.convention.arguments)
        if role_of(one) == "mask"
    )
    return next(given, "")
