"""A batch whose shorter row has its padding on the right, as for training."""

from rotcheck.model.sequences.evidence.padded_rows import PaddedRows
from rotcheck.model.sequences.evidence.token_call import MASK, TokenCall
from rotcheck.model.sequences.way import WayOutcome, WaySubject

TITLE = "two rows of different lengths, padded on the right"


def run(subject: WaySubject) -> WayOutcome:
    """Hand over both rows, and a mask of what is padding."""
    call = TokenCall(subject)
    call.parameter(MASK)
    rows = PaddedRows.of_call(call, on_left=False)
    batch = call.attempt(rows.tokens, attention_mask=rows.mask)
    return rows.judge(TITLE, call, batch.angles, batch.output)
