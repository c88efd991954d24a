"""A text in which no program says anything: a message that it quotes, or a symptom that it describes."""

import re

from rotcheck.diagnose.answer import ALONE, GENERAL, Answer
from rotcheck.diagnose.match import context, descriptions, failures, fold, messages

BESIDE = 8  # lines within which a text may say what a message that it quotes is about


def of_words(whole: str) -> Answer | None:
    """What a text says that quotes a message, else what it describes, or None.

    Raises `KnowledgeError` when a file of `failures/` or `messages/` cannot be understood.
    """
    prose = "\n".join(line for line in whole.splitlines() if not _CODE.search(line))
    return _quoted(prose, whole) or _described(prose)


_CODE = re.compile(  # a line of a program, or of a search in programs: it only speaks of an error
    r"^\S+\.\w{1,4}[:-]\d+[:-](?!\d+: |.{0,20}(?:error|fail|warning))"
    r"|^\s+#|^\s*(?://|def |class |raise |assert |except\b|return |if |elif )|pytest\.raises|match="
)


def is_code(text: str) -> bool:
    """Whether all its lines are lines of programs, or of a search in them."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and all(_CODE.search(line) for line in lines)


def _quoted(prose: str, whole: str) -> Answer | None:
    for failure, text in failures(prose) or failures(prose, squeezed=True):
        line, shown = _place_of(whole, text)
        if not failure.context or context(failure, text):
            return Answer(line=line, text=shown, certainty="certain", why=ALONE, failure=failure)
        named = context(failure, _around_line(whole, line))
        if named:
            why = (
                f"several things cause this message, and the text beside it names `{fold(named)}`."
            )
            return Answer(line=line, text=shown, certainty="likely", why=why, failure=failure)
    for general in messages(prose):
        line, text = _place_of(whole, general.text)
        return Answer(line=line, text=text, certainty="general", why=GENERAL, message=general.entry)
    return None


def _around_line(prose: str, line: int | None) -> str:
    at = line or 1
    return "\n".join(prose.splitlines()[max(0, at - BESIDE) : at + BESIDE])


def _place_of(prose: str, found: str) -> tuple[int | None, str]:
    """The number and the text of the line that holds what was found; where it was wrapped, of its first line."""
    lines = prose.splitlines()
    for at, line in enumerate(lines):
        if found in fold(line):
            return at + 1, fold(line)
    for at in range(len(lines)):
        if found in fold(" ".join(lines[at : at + 4])):
            return at + 1, found
    return None, found


def _described(prose: str) -> Answer | None:
    hits = descriptions(prose)
    if not hits:
        return None
    best = hits[0]
    why = f"the text holds no message of a program; it describes this (`{best.text}`)."
    return Answer(
        text=fold(prose),
        certainty="possible",
        why=why,
        failure=best.entry,
        others=tuple(hit.entry for hit in hits[1:4]),
    )
