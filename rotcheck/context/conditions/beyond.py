"""Asked for positions beyond its table: it raises, or turns them rightly."""

import torch

from rotcheck.context.evidence import DoesNotApply, Evidence
from rotcheck.context.known import Known, allowed
from rotcheck.context.sources import NoRotation, Turns
from rotcheck.context.sweep import LOST, Truth, wrapped
from rotcheck.context.trial import Trial

blames = "row-past-table"
ALIKE = 1e-2  # radians


def run(trial: Trial) -> Evidence:
    """Ask for the first positions behind the last one, and for one far behind it."""
    known = trial.known
    if known.asking == "none":
        raise DoesNotApply("it takes no positions: it returns the table that it holds")
    if known.claims is None:
        raise DoesNotApply("it has no table and claims no length: nothing is beyond")
    said: dict[str, list[int]] = {}
    for position in (known.claims + 3, known.claims, 2 * known.claims + 5):
        found = _at(trial, position, said)
        if found:
            return found
    return Evidence(note=_joined(said) + _negative(trial))


def _at(trial: Trial, position: int, said: dict[str, list[int]]) -> Evidence | None:
    """Ask a new object for one position; return what is wrong, or add to what is said."""
    try:
        turns = trial.asked(trial.fresh()).ask((0, position))
        off = Truth(trial.known).errors(turns, (0, position))[1]
    except NoRotation as error:
        if error.finding != "fewer-rows":
            return Evidence(
                finding=blames, message=f"position {position}, beyond its table: it {error}"
            )
        said.setdefault("fewer rows come back, so whoever multiplies by them raises", []).append(
            position
        )
        return None
    except Exception as error:
        said.setdefault(f"raises {type(error).__name__}", []).append(position)
        return None
    if off <= allowed(position):
        said.setdefault("right", []).append(position)
        return None
    return _wrong(trial.known, turns, position, off, said)


def _wrong(
    known: Known, turns: Turns, position: int, off: float, said: dict[str, list[int]]
) -> Evidence | None:
    row = Turns(turns.cos[1:], turns.sin[1:])
    if off == LOST:
        _, words = Truth(known).lost(row, (position,))
        return Evidence(finding=blames, message=f"position {position}, beyond its table: {words}")
    claims = known.claims or 0
    rows = {
        0: "unrotated",
        claims - 1: "turned as the last one",
        position % claims: "wrapped around",
    }
    for other, words in rows.items():
        if _is_row(known, row, other):
            message = f"position {position}, beyond its {claims} positions, comes back {words} (as position {other})"
            return Evidence(
                finding="positions-past-table" if other == 0 else blames, message=message
            )
    if _first_pair_right(known, row, position):
        said.setdefault(
            "turned by other frequencies, as by a schedule that follows the length", []
        ).append(position)
        return None
    return Evidence(
        finding=blames, message=f"position {position}, beyond its table, is {off:.2g} rad off"
    )


def _is_row(known: Known, row: Turns, position: int) -> bool:
    return Truth(known).errors(row, (position,))[0] < ALIKE


def _first_pair_right(known: Known, row: Turns, position: int) -> bool:
    """Whether the fastest pair is right: a schedule that is stretched for longer contexts leaves it alone."""
    angle = torch.atan2(row.sin, row.cos)[0, 0]
    return bool(wrapped(angle - Truth(known).angles((position,))[0, 0]).abs() < allowed(position))


def _negative(trial: Trial) -> str:
    """Return a word on position -1, which indexing takes for the last row."""
    known = trial.known
    if known.asking != "any" or known.claims is None:
        return ""
    try:
        turns = trial.asked(trial.fresh()).ask((0, -1))
    except Exception:  # that is as it should be, or at least no wrong row
        return ""
    row = Turns(turns.cos[1:], turns.sin[1:])
    return (
        "; position -1 is taken for the last one" if _is_row(known, row, known.claims - 1) else ""
    )


def _joined(said: dict[str, list[int]]) -> str:
    return "; ".join(
        f"positions {', '.join(map(str, sorted(at)))}: {words}" for words, at in said.items()
    )
