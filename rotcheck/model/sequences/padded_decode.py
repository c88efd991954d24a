"""A batch with padding on the left, continued token by token with a cache."""

from rotcheck.model.sequences.evidence.padded_rows import PaddedRows
from rotcheck.model.sequences.evidence.placed_rows import placed_decode
from rotcheck.model.sequences.evidence.static_cache import takes_input_pos
from rotcheck.model.sequences.evidence.token_angles import chain_steps
from rotcheck.model.sequences.evidence.token_call import LENGTH, MASK, CachedCall, TokenCall
from rotcheck.model.sequences.way import WayOutcome, WaySubject

TITLE = "two rows, padded on the left, then two tokens more with a cache"
PREFILL = LENGTH - 2


def run(subject: WaySubject) -> WayOutcome:
    """Hand over the padded rows without their last tokens, then these one by one."""
    if takes_input_pos(subject):
        return placed_decode(subject)
    call = TokenCall(subject)
    call.parameter(MASK)
    cache_call = CachedCall(call)
    rows = PaddedRows.of_call(call, on_left=True)
    ends = range(PREFILL, LENGTH + 1)
    steps = [
        cache_call.run(rows.tokens[:, cache_call.start : end], attention_mask=rows.mask[:, :end])
        for end in ends
    ]
    angles = chain_steps([step.angles for step in steps])
    return rows.judge(TITLE, call, angles, steps[-1].output[:, -1:])
