"""The same message as editors, terminals, chats and launchers hand it on."""

import html
import io
import textwrap
from collections.abc import Callable

import pytest

from rotcheck import log
from rotcheck.diagnose import all_failures
from rotcheck.diagnose.explanation import explain

SAMPLES = [
    (failure.id, sample)
    for failure in all_failures()
    if not failure.context
    for sample in failure.samples
    if "\n" not in sample
]
DISGUISES: dict[str, Callable[[str], str | bytes]] = {
    "as it is": str,
    "UTF-16": lambda text: text.encode("utf-16"),
    "blanks that do not break": lambda text: text.replace(" ", "\u00a0"),
    "two blanks": lambda text: text.replace(" ", "  "),
    "upper case": str.upper,
    "lower case": str.lower,
    "curly quotes": lambda text: text.replace("'", "\u2019").replace('"', "\u201d"),
    "HTML": lambda text: f"<pre>{html.escape(text)}<br></pre>",
    "coloured": lambda text: f"\x1b[1;31m{text}\x1b[0m",
    "a rank's": lambda text: f"[rank3]: {text}",
    "a logger's": lambda text: f"2026-01-01 10:00:00,123 ERROR [worker] {text}",
    "cut at 80 columns": lambda text: "\n".join(
        text[at : at + 80] for at in range(0, len(text), 80)
    ),
    "wrapped at 80 columns": lambda text: textwrap.fill(
        text, 80, break_on_hyphens=False, break_long_words=False
    ),
}


def told(text: str | bytes) -> str | None:
    raw = text if isinstance(text, bytes) else text.encode()
    answer = explain(log.read(io.BytesIO(raw))).answer
    return answer.failure.id if answer and answer.failure else None


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_message_is_known_in_disguise(disguise: str) -> None:
    """All of 110 were once lost in UTF-16, 107 by a second blank, 79 by their case."""
    put_on = DISGUISES[disguise]

    assert [(id, sample) for id, sample in SAMPLES if told(put_on(sample)) != id] == []
