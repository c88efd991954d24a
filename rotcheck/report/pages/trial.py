"""The fix that rotcheck started from, on trial: which claim does not hold, and what was seen."""

from rotcheck.report.document import Document, Heading, Listing, Tone
from rotcheck.report.text import plural
from rotcheck.results import Claim, Trial

WORD = "a trial"
RESULT = Trial

VERDICTS: dict[bool | None, tuple[str, Tone]] = {
    True: ("holds", "good"),
    False: ("does not hold", "bad"),
    None: ("not run", "plain"),
}


def document(trial: Trial) -> Document:
    """Each claim and what was seen."""
    return Document([Heading(_headline(trial)), *map(_claim, trial.claims)])


def _headline(trial: Trial) -> str:
    failures = sum(claim.holds is False for claim in trial.claims)
    open_claims = sum(claim.holds is None for claim in trial.claims)
    rest = f"; {open_claims} could not be tested on this machine" if open_claims else ""
    return f"the fix on trial: {failures} of {plural(len(trial.claims), 'claim')} do not hold{rest}"


def _claim(claim: Claim) -> Listing:
    verdict, tone = VERDICTS[claim.holds]
    return Listing(f"{claim.claim}: {verdict}", claim.seen, tone)
