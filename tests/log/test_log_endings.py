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


def test_a_crash_is_not_read_together_with_the_warning_above_it() -> None:
    """A wrapped message may begin above; a warning is a message of its own."""
    crash = ending(
        "Warning: import flash_attn rotary fail, please install it\nSegmentation fault (core dumped)\n"
    )
    wrapped = ending(
        "Could not load the library that the\nmodel wants: error: Segmentation fault (core dumped)\n"
    )

    assert crash
    assert crash.readings == ("Segmentation fault (core dumped)",)
    assert wrapped
    assert any("library that the" in reading for reading in wrapped.readings)


def test_what_a_gpu_asserts_is_no_source_code() -> None:
    """It begins with a file and a line, as the answer of a search does."""
    asserted = "/aten/IndexKernel.cu:93: operator(): block: [0,0,0], thread: [28,0,0] Assertion `i < n` failed."

    assert [event.text for event in read_text(asserted).events] == [asserted]
    assert not read_text("/aten/IndexKernel.cu:93: if (i < n) throw error(failed);").events
