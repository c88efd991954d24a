"""From a message or a log to the failure whose signature it carries."""

import re
from functools import cache

from rotcheck.diagnose.knowledge import Failure, KnowledgeError, all_failures

_END = 1 << 20  # characters read at either end of a long text


ROTARY = (
    r"(?i)rotary|rotate_half|(?<![a-z])rope(?![a-z])|(?<![a-z])flash_attn|freqs|inv_freq"
    r"|(?<![a-z])(?:cos|sin)(?![a-z])"
)
"""What names rotary code: in a frame, a kernel or a variable."""


def match(text: str, *, rotary: bool = False) -> Failure | None:
    """The failure whose signature is found in the text of an exception or in a log, or None.

    `rotary` says that rotary code raised it, so that a message which many things can cause is that code's. Else a
    failure with a `context` is only the answer where the text holds one of its expressions.

    Of several the most specific wins: an error before a warning, then the lower tier, then the longer
    matched text, then the first id. Of a text above two million characters only both ends are read.

    Raises `KnowledgeError` when a file of `failures/` cannot be understood.
    """
    text = _ends(text)
    hits = [
        (_rank(failure, found), failure) for failure, found in _found_in(text) if _fits(failure, text, rotary)
    ]
    return min(hits, key=lambda hit: hit[0])[1] if hits else None


def _fits(failure: Failure, text: str, rotary: bool) -> bool:
    if not failure.context or (rotary and "ROTARY" in failure.context):
        return True
    return any(re.search(ROTARY if one == "ROTARY" else one, text) for one in failure.context)


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _END else f"{text[:_END]}\n{text[-_END:]}"


def _found_in(text: str) -> list[tuple[Failure, re.Match[str]]]:
    found = ((failure, signature.search(text)) for failure, signature in _signatures())
    return [(failure, hit) for failure, hit in found if hit]


def _rank(failure: Failure, found: re.Match[str]) -> tuple[bool, int, int, str]:
    return _is_warning(found), failure.tier, found.start() - found.end(), failure.id


def _is_warning(found: re.Match[str]) -> bool:
    """Whether the line says of itself that it only warns: the error that ended the run stands elsewhere."""
    line = found.string.rfind("\n", 0, found.start()) + 1
    end = found.string.find("\n", found.end())
    return "Warning" in found.string[line : end if end >= 0 else None]


@cache
def _signatures() -> tuple[tuple[Failure, re.Pattern[str]], ...]:
    return tuple(
        (failure, _compiled(failure, text)) for failure in all_failures() for text in failure.signatures
    )


def _compiled(failure: Failure, signature: str) -> re.Pattern[str]:
    try:
        return re.compile(signature)
    except re.error as error:
        raise KnowledgeError(f"{failure.id}.toml: the signature {signature!r}: {error}") from error
