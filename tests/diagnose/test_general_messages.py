"""What every file of `messages/` has to be: what a message means in general,
and never a rotary cause first."""

import re

import pytest

from rotcheck.diagnose import Message, all_messages
from rotcheck.diagnose.match import ROTARY, fold, messages

MESSAGES = all_messages()
SAMPLES = [(message.id, sample) for message in MESSAGES for sample in message.samples]

each_message = pytest.mark.parametrize("message", MESSAGES, ids=lambda one: one.id)


@pytest.mark.parametrize(
    ("id", "sample"), SAMPLES, ids=[f"{id}: {text[:40]}" for id, text in SAMPLES]
)
def test_a_sample_is_its_own_message(id: str, sample: str) -> None:
    """Where signatures of several fit, the longest match is the message's own;
    case, blanks and quotes do not count."""
    disguised = sample.upper().replace(" ", "\u00a0 ").replace("'", "\u2019")

    assert messages(sample)[0].entry.id == id
    assert messages(disguised)[0].entry.id == id


@each_message
def test_every_signature_has_a_sample(message: Message) -> None:
    """A signature that nothing shows may be misspelt."""
    folded = [fold(sample) for sample in message.samples]

    unused = [
        one for one in message.signatures if not any(re.search(one, text, re.I) for text in folded)
    ]

    assert unused == []


@each_message
def test_a_rotary_cause_comes_last_and_with_a_condition(message: Message) -> None:
    """The message by itself says nothing of rotary: only a frame or a variable can."""
    rotary = [at for at, cause in enumerate(message.causes) if re.search(ROTARY, cause)]

    assert not re.search(ROTARY, f"{message.title} {message.meaning} {message.question}")
    assert rotary in ([], [len(message.causes) - 1])
    assert all(message.causes[at].startswith("If ") for at in rotary)


@each_message
def test_every_text_is_there(message: Message) -> None:
    """A meaning, several causes, and a question or command that tells them apart."""
    assert message.meaning.endswith(".")
    assert len(message.causes) > 1
    assert all(cause.endswith((".", ")")) for cause in message.causes)
    assert message.question.endswith((".", "?"))
    assert message.source
