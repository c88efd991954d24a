"""What a function keeps from call to call is found where a later call turns by it."""

from pathlib import Path

import pytest
from identifying import told

FILE = Path(__file__).with_name("functions_keeping.py")
KEEPS = "keeps something from call to call: right by itself, wrong after a call with other"


@pytest.mark.parametrize(
    ("name", "what"), [("keeps_its_first_tables", "tables"), ("RotaryByLength", "positions")]
)
def test_a_call_that_is_right_by_itself_and_wrong_after_another_is_shown(
    name: str, what: str
) -> None:
    found = told(f"{FILE}:{name}")
    mistake = next(one for one in found.findings if one.mistake)
    assert (mistake.message, mistake.failure) == (f"{KEEPS} {what}", "R153")
    assert "# an earlier call" in str(mistake.demonstration)


def test_one_that_keeps_what_belongs_to_the_positions_is_right() -> None:
    found = told(f"{FILE}:RotaryByPosition")
    assert (found.answer, found.findings) == ("right", ())
