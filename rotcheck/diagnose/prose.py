"""A text in which no program says anything:
a message that it quotes, or a symptom that it describes."""

import re
from functools import partial

from rotcheck.diagnose.diagnosis import ALONE, GENERAL, Diagnosis
from rotcheck.diagnose.match import context, descriptions, failures, fold, messages

BESIDE = 8  # lines within which a text may say what a message that it quotes is about


def of_words(whole: str) -> Diagnosis | None:
    """What a text says that quotes a message, else what it describes, or None.

    Raises `KnowledgeError` when a file of `failures/` or `messages/` cannot be understood.
    """
    prose = "\n".join(line for line in whole.splitlines() if not _CODE.search(line))
    return _of_quote(prose, whole) or _of_description(prose)


_CODE = re.compile(  # a line of a program, or of a search in programs: it only speaks of an error
    r"^\S+\.\w{1,4}[:-]\d+[:-](?!\d+: |.{0,20}(?:error|fail|warning))"
    r"|^\s+#|^\s*(?://|def |class |raise |assert |except\b|return |if |elif )|pytest\.raises|match="
)


def is_code(text: str) -> bool:
    """Whether all its lines are lines of programs, or of a search in them."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and all(_CODE.search(line) for line in lines)


def _of_quote(prose: str, whole: str) -> Diagnosis | None:
    for failure, text in failures(prose) or failures(prose, without_blanks=True):
        line, line_text = _place_of(whole, text)
        about = partial(Diagnosis, line=line, text=line_text, failure=failure)
        if not failure.context or context(failure, text):
            return about(certainty="certain", why=ALONE)
        at = line or 1
        lines = whole.splitlines()[max(0, at - BESIDE) : at + BESIDE]
        if words := context(failure, "\n".join(lines)):
            beside = f"the text next to it names `{fold(words)}`"
            why = f"several things cause this message, and {beside}."
            return about(certainty="likely", why=why)
    for message, text in messages(prose):
        line, text = _place_of(whole, text)
        return Diagnosis(line=line, text=text, certainty="general", why=GENERAL, message=message)
    return None


def _place_of(prose: str, quote: str) -> tuple[int | None, str]:
    """The number and the text of the line that holds what was found;
    where it was wrapped, of its first line."""
    lines = prose.splitlines()
    for at, line in enumerate(lines):
        if quote in fold(line):
            return at + 1, fold(line)
    for at in range(len(lines)):
        if quote in fold(" ".join(lines[at : at + 4])):
            return at + 1, quote
    return None, quote


def _of_description(prose: str) -> Diagnosis | None:
    hits = descriptions(prose)
    if not hits:
        return None
    best = hits[0]
    why = f"the text holds no message of a program; it describes this (`{best.text}`)."
    return Diagnosis(
        text=fold(prose),
        certainty="possible",
        why=why,
        failure=best.entry,
        others=tuple(hit.entry for hit in hits[1:4]),
    )
