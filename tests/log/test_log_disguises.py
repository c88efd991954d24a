"""Each sample of a failure comes out of each disguise with its text intact."""

import io
from functools import cache

import pytest
from disguises import DISGUISES

from rotcheck.diagnose import all_failures
from rotcheck.diagnose.general import all_messages
from rotcheck.log import Log, read, read_text


@cache
def samples() -> tuple[str, ...]:
    texts = [sample for failure in all_failures() for sample in failure.samples]
    return tuple(texts + [sample for message in all_messages() for sample in message.samples])


@cache
def messages(sample: str) -> tuple[str, ...]:
    """What the sample says undisguised."""
    texts = tuple(event.text for event in read_text(sample).events)
    return texts or (sample,)


@pytest.mark.parametrize("disguise", DISGUISES)
def test_the_text_is_intact(disguise: str) -> None:
    lost = [
        text
        for text in samples()
        if not tells(read(io.BytesIO(DISGUISES[disguise](text))), messages(text))
    ]
    assert not lost


def test_a_sample_is_read_whole() -> None:
    """But for its prefixes."""
    lines = [sample for sample in samples() if "\n" not in sample.strip()]
    lost = [
        line
        for line in lines
        if not any(_plain(line).endswith(_plain(text)) for text in messages(line))
    ]
    assert not lost


def tells(log: Log, messages: tuple[str, ...]) -> bool:
    """Whether its events, or else its prose,
    hold these texts but for their case and white space."""
    said = [_plain(reading) for event in log.events for reading in event.readings] or [
        _plain(log.prose),
        _plain(log.prose.replace("\n", "")),
    ]
    return all(any(_plain(message) in one for one in said) for message in messages)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
