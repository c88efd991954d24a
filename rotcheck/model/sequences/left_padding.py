"""A batch whose shorter row has its padding on the left, as for generation."""

from rotcheck.model.sequences.evidence.padded_rows import PaddedRows
from rotcheck.model.sequences.evidence.token_call import MASK, TokenCall
from rotcheck.model.sequences.way import WayOutcome, WaySubject

TITLE = "two rows, the shorter one padded on the left"


def run(subject: WaySubject) -> WayOutcome:
    """Hand over both rows, and a mask of what is padding."""
    call = TokenCall(subject)
    call.parameter(MASK)
    rows = PaddedRows.of_call(call, on_left=True)
    batch = call.attempt(rows.tokens, attention_mask=rows.mask)
    return rows.judge(TITLE, call, batch.angles, batch.output)
