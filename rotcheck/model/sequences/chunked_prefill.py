"""A long prompt in parts, with a cache."""

from rotcheck.model.sequences.evidence.cached_pass import cached_pass
from rotcheck.model.sequences.way import WayOutcome, WaySubject

TITLE = "a prompt in parts of 5, 4 and 2 tokens, with a cache"


def run(subject: WaySubject) -> WayOutcome:
    """Hand over three parts of different lengths."""
    return cached_pass(subject, TITLE, (0, 5, 9))
