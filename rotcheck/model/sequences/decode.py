"""Tokens one by one, with a cache."""

from rotcheck.model.sequences.evidence.cached_pass import cached_pass
from rotcheck.model.sequences.evidence.token_call import LENGTH
from rotcheck.model.sequences.way import WayOutcome, WaySubject

TITLE = "tokens one by one, with a cache"
PREFILL = 3  # tokens of the first call


def run(subject: WaySubject) -> WayOutcome:
    """Hand over a few tokens, then one by one."""
    return cached_pass(subject, TITLE, (0, *range(PREFILL, LENGTH)))
