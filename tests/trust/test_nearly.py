"""Of a function that is nearly right it is said which part departs, and what that holds."""

import pytest
import torch
from trusting import Here, declared, defects, evidence, fresh

from rotcheck.measure.case import Case

X_AND_Y = " (x: the lane itself, y: its partner)"
SAID = {
    "rows_from_8_on_as_row_7": "rows from 8 on turn as row 7",
    "rows_from_8_on_are_zero": "rows from 8 on hold zeros",
    "last_head_forgotten": "the last head comes back unrotated",
    "last_head_of_q_forgotten": "the last head of q comes back unrotated",
    "last_pair_forgotten": "lanes 62 to 63 come back unrotated",
    "odd_rows_the_other_way": "rotates by the negative angle, in every second row from 1 to 11 alone",
    "four_rows_again_and_again": "rows from 4 on turn as rows 0 to 3 again and again",
    "positions_end_at_2047": "rows from 8 on turn as position 2047",
    "q_made_of_k": "q holds k's lanes",
    "q_and_k_exchanged": "all rows hold k's lanes in q, and q's in k",
    "v_holds_q": "v holds q's lanes",
    "first_head_for_all": "heads 1 to 4 hold the result of head 0",
    "first_batch_row_for_all": "batch row 1 holds the result of batch row 0",
    "each_pair_by_its_neighbour": "all rows turn each pair by the angle of the pair before",
    "second_lane_minus": "every second lane from 1 to 63 holds x cos - y sin where x cos + y sin belongs"
    + X_AND_Y,
    "cos_for_sin": "every second lane from 1 to 63 holds x cos + y cos where x cos + y sin belongs"
    + X_AND_Y,
    "its_own_partner": "every second lane from 0 to 62 holds x cos - x sin where x cos - y sin belongs"
    + X_AND_Y,
    "factor_of_cos_alone": (
        "lanes 0 to 31 hold 1.25 x cos - y sin where x cos - y sin belongs, "
        "lanes 32 to 63 hold 1.25 x cos + y sin where x cos + y sin belongs" + X_AND_Y
    ),
}
NEARLY = {name: thing for name, thing in defects().items() if thing.__module__ == "trust_nearly"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", NEARLY)
def test_what_departs_is_named(name: str, dtype: torch.dtype) -> None:
    convention = declared(NEARLY[name])
    assert convention is not None
    subject = Here(fresh(NEARLY[name]), convention)
    assert evidence(subject, Case(subject, dtype), "forward").message == SAID[name]
