"""What ended a run, in logs of each kind; and the healthy ones beside them."""

import pytest
from endings import ENDINGS, STEPS

from rotcheck.log import Event, read_text


def ending(text: str) -> Event | None:
    log = read_text(text)
    return None if log.ended_by is None else log.events[log.ended_by]


@pytest.mark.parametrize("kind", ENDINGS)
def test_what_ended_the_run(kind: str) -> None:
    text, expected = ENDINGS[kind]
    event = ending(text)
    assert (event.text if event else "").startswith(expected or "")
    assert (event is None) == (expected is None)


@pytest.mark.parametrize("kind", ENDINGS)
def test_the_same_within_a_large_log(kind: str) -> None:
    """Above 64 KiB only the lines around trouble are read."""
    text, expected = ENDINGS[kind]
    event = ending(STEPS * 30 + text)
    assert (event.text if event else "").startswith(expected or "")
    assert (event is None) == (expected is None)
