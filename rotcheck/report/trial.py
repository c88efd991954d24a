"""The fix on trial, in words: which claim does not hold, and what was seen."""

from rotcheck.report.text import plural
from rotcheck.results import Claim, Trial


def headline(found: Trial) -> str:
    """Return what the trial came to, in one line."""
    refuted = sum(claim.holds is False for claim in found.claims)
    unknown = sum(claim.holds is None for claim in found.claims)
    left = f"; {unknown} could not be told on this machine" if unknown else ""
    return f"the fix on trial: {refuted} of {plural(len(found.claims), 'claim')} do not hold{left}"


def title(claim: Claim) -> str:
    """Return the claim and what became of it."""
    became = {True: "holds", False: "does not hold", None: "not run"}[claim.holds]
    return f"{claim.claim}: {became}"
