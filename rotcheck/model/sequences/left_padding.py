"""A batch whose shorter row has its padding on the left, as for generation."""

from rotcheck.model.sequences.evidence.padded_rows import padded_pass
from rotcheck.model.sequences.way import WayOutcome, WaySubject

TITLE = "two rows, the shorter one padded on the left"


def run(subject: WaySubject) -> WayOutcome:
    """Hand over both rows, and a mask of what is padding."""
    return padded_pass(subject, TITLE, on_left=True)
