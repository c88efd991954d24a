"""Two rows of different lengths, continued with `input_pos` of each row's own and a cache that is
set up at once.

torchtune pads the shorter row on the left and hides the padding by a mask; litgpt has no mask, and
continues each row behind its last token: what stood there is written over.
"""

import torch
from torch import Tensor

from rotcheck.model.sequences.evidence.outcome_words import same_angle
from rotcheck.model.sequences.evidence.padded_rows import PADDING, PaddedRows
from rotcheck.model.sequences.evidence.row_difference import row_difference
from rotcheck.model.sequences.evidence.static_cache import INPUT_POS, PlacedCall, StaticCacheCall
from rotcheck.model.sequences.evidence.token_angles import TokenAngles, chain_steps, row_angles
from rotcheck.model.sequences.evidence.token_call import LENGTH, TokenPass
from rotcheck.model.sequences.way import WayClosed, WayOutcome, WaySubject

ROWS = 2
PREFILL = LENGTH - 2  # tokens of the first call
ON_LEFT = "two rows, padded on the left, then two tokens more with a cache, input_pos of each row"
ON_RIGHT = "two rows of different lengths, then two tokens more of each with a cache, input_pos of each row"


def placed_decode(subject: WaySubject) -> WayOutcome:
    """Hand over rows of different lengths without their last tokens, then these one by one.

    Raises:
        WayClosed: the model takes the positions of one row for all, or sets up no cache.
    """
    call, cache_call = PlacedCall(subject), StaticCacheCall(subject, ROWS)
    on_left = cache_call.takes_mask
    rows = PaddedRows.of_call(call, on_left)
    _refuse_one_row(subject, call, rows.tokens)
    steps = _pad(cache_call, rows) if on_left else _uneven(cache_call, rows)
    angles = chain_steps([step.angles for step in steps])
    angles = angles if on_left else _in_order(angles)
    return rows.judge(ON_LEFT if on_left else ON_RIGHT, call, angles, steps[-1].output[:, -1:])


def _refuse_one_row(subject: WaySubject, call: PlacedCall, tokens: Tensor) -> None:
    """Refuse a model that does not take positions (B, S), all rows the same, as it takes (S,)."""
    places = call.positions(0, PREFILL).expand(ROWS, -1)
    step = StaticCacheCall(subject, ROWS).run(tokens[:, :PREFILL], **{INPUT_POS: places})
    whole = call.run(tokens).angles
    for row in range(ROWS):
        truth = row_angles(whole, row, slice(0, PREFILL))
        angles = row_angles(step.angles, row)
        if row_difference(angles, truth, same_angle(subject.dtype)).tokens:
            raise WayClosed(f"it takes no {INPUT_POS} of each row")


def _pad(cache_call: StaticCacheCall, rows: PaddedRows) -> list[TokenPass]:
    """The calls with the padding on the left, as torchtune generates."""
    real = rows.mask.bool()
    places = (rows.mask.cumsum(-1) - 1) * rows.mask  # (B, S); padding is at position 0
    sees = torch.ones(LENGTH, LENGTH, dtype=torch.bool, device=real.device).tril() & real[:, None]
    sees |= torch.eye(LENGTH, dtype=torch.bool, device=real.device)  # (B, S, L)
    steps = []
    for end in range(PREFILL, LENGTH + 1):
        part = slice(cache_call.start, end)
        arguments = {INPUT_POS: places[:, part], "mask": sees[:, part]}
        steps.append(cache_call.run(rows.tokens[:, part], **arguments))
    return steps


def _uneven(cache_call: StaticCacheCall, rows: PaddedRows) -> list[TokenPass]:
    """The calls with the padding on the right, behind which nothing is written."""
    order = _order(rows.tokens.device)
    tokens = torch.stack((rows.tokens[0], rows.tokens[1, order]))
    places = torch.arange(LENGTH, device=tokens.device).expand(ROWS, -1).clone()  # (B, S)
    places[1, PREFILL:] -= PADDING
    steps = []
    for end in range(PREFILL, LENGTH + 1):
        part = slice(cache_call.start, end)
        steps.append(cache_call.run(tokens[:, part], **{INPUT_POS: places[:, part]}))
    return steps


def _order(device: torch.device) -> Tensor:
    """The tokens of the shorter row in the order in which they are handed over, (S,)."""
    places = torch.arange(LENGTH, device=device)
    stop = PREFILL - PADDING  # of what the first call gets
    padding = slice(LENGTH - PADDING, LENGTH)
    return torch.cat((places[:stop], places[padding], places[stop : padding.start]))


def _in_order(angles: TokenAngles) -> TokenAngles:
    """The angles (B, S, X, P) with the tokens of the shorter row one after another again."""
    order = _order(torch.device("cpu")).argsort()
    return {place: torch.stack((x[0], x[1, order.to(x.device)])) for place, x in angles.items()}
