"""From a text to the failure or the general message whose signature it carries."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Generic, NamedTuple, TypeVar

from rotcheck.diagnose.entries import KnowledgeError
from rotcheck.diagnose.general import Message, all_messages
from rotcheck.diagnose.knowledge import Failure, all_failures
from rotcheck.log.plain_text import single_spaced, typewritten
from rotcheck.rotary_names import IN_TRACE

_END = 1 << 20  # characters read at either end of a long text
_MOST_OF_A_DESCRIPTION = 3000  # characters in which a person has said what is wrong

ROTARY = rf"{IN_TRACE}|(?<![a-z])flash_attn"
"""What names rotary code, or flash-attn, which has a rotary of its own and much else."""

CONTEXTS = {"ROTATION": IN_TRACE, "ROTARY": ROTARY}
"""The words of a `context` that stand for an expression."""

Entry = TypeVar("Entry", Failure, Message)


class Hit(NamedTuple, Generic[Entry]):
    """An entry, and the text that its expression matched."""

    entry: Entry
    text: str


def match(text: str, *, rotary: bool = False) -> Failure | None:
    """The failure whose signature is found in the text of an exception or in a log, or None.

    `rotary` says that rotary code raised it, so that a message which many things can cause is that
    code's. Else a failure with a `context` is only the answer where the text holds one of its
    expressions.

    Of several the most specific wins: an error before a warning, then the lower tier, then the
    longer matched text, then the first id. Of a text above two million characters only both ends
    are read.

    Raises `KnowledgeError` when a file of `failures/` cannot be understood.
    """
    text = _ends(text)
    for part in (_without_warnings(text), text):
        for hit in failures(part):
            if _fits(hit.entry, text, rotary):
                return hit.entry
    return None


def failures(text: str, *, without_blanks: bool = False) -> list[Hit[Failure]]:
    """The failures whose signature the text carries, whatever their context;
    the most specific first.

    `without_blanks` leaves out all white space, of the text and of the signatures: for a message
    whose line breaks were lost, or stand where none were.

    Raises `KnowledgeError` when a file of `failures/` cannot be understood.
    """
    return sorted(_hits(fold(text), _signatures(), without_blanks=without_blanks), key=rank)


def rank(hit: Hit[Failure]) -> tuple[int, int, str]:
    """The order of failures that fit the same text:
    the lower tier, the longer match, the first id."""
    return hit.entry.tier, *_length(hit)


def messages(text: str, *, without_blanks: bool = False) -> list[Hit[Message]]:
    """The general messages whose signature the text carries, the longest match first.

    Raises `KnowledgeError` when a file of `messages/` cannot be understood.
    """
    return sorted(_hits(fold(text), _general(), without_blanks=without_blanks), key=_length)


def descriptions(text: str) -> list[Hit[Failure]]:
    """The failures that somebody describes in words: those of which most symptoms are found first.

    Only the beginning of a long text is read.

    Raises `KnowledgeError` when a file of `failures/` cannot be understood.
    """
    hits = list(_hits(fold(text)[:_MOST_OF_A_DESCRIPTION], _symptoms(), repeats=True))
    counts = {id: sum(hit.entry.id == id for hit in hits) for id in {hit.entry.id for hit in hits}}
    first = {hit.entry.id: hit for hit in sorted(hits, key=_length, reverse=True)}
    return sorted(
        first.values(), key=lambda hit: (-counts[hit.entry.id], hit.entry.tier, *_length(hit))
    )


def context(failure: Failure, text: str) -> str | None:
    """What one of the failure's `context` expressions matches in the text, or None."""
    expressions = (CONTEXTS.get(expression, expression) for expression in failure.context)
    hits = (_pattern(failure.id, expression).search(text) for expression in expressions)
    return next((hit[0] for hit in hits if hit), None)


def fold(text: str) -> str:
    """The text on one line: white space as single blanks, quotes straight,
    what has no width left out."""
    return single_spaced(typewritten(text))


def _fits(failure: Failure, text: str, rotary: bool) -> bool:
    if not failure.context or (rotary and not CONTEXTS.keys().isdisjoint(failure.context)):
        return True
    return context(failure, text) is not None


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _END else f"{text[:_END]}\n{text[-_END:]}"


def _without_warnings(text: str) -> str:
    """The text without the lines that say of themselves that they only warn."""
    return "\n".join(line for line in text.split("\n") if "Warning" not in line)


def _length(hit: Hit[Entry]) -> tuple[int, str]:
    return -len(hit.text), hit.entry.id


class _Expression(NamedTuple, Generic[Entry]):
    entry: Entry
    expression: str
    literal: str  # in lower case; stands in every text that the expression is found in


def _hits(
    text: str,
    expressions: Iterable[_Expression[Entry]],
    *,
    repeats: bool = False,
    without_blanks: bool = False,
) -> Iterator[Hit[Entry]]:
    """Search what can be there: a plain text is found a hundred times faster than an expression,
    and most are not."""
    text = text.replace(" ", "") if without_blanks else text
    lower, ids = text.lower(), set()
    for entry, expression, plain in expressions:
        if (plain.replace(" ", "") if without_blanks else plain) in lower and (
            repeats or entry.id not in ids
        ):
            hit = _pattern(entry.id, expression, without_blanks).search(text)
            if hit:
                ids.add(entry.id)
                yield Hit(entry, hit[0])


@cache
def _signatures() -> Sequence[_Expression[Failure]]:
    return [_expression(entry, text) for entry in all_failures() for text in entry.signatures]


@cache
def _symptoms() -> Sequence[_Expression[Failure]]:
    return [_expression(entry, text) for entry in all_failures() for text in entry.symptoms]


@cache
def _general() -> Sequence[_Expression[Message]]:
    return [_expression(entry, text) for entry in all_messages() for text in entry.signatures]


def _expression(entry: Entry, text: str) -> _Expression[Entry]:
    return _Expression(entry, text, literal(text))


def literal(expression: str) -> str:
    """The longest text that stands in whatever the expression matches, in lower case;
    "" where there may be none."""
    runs, depth = [""], 0
    for piece in _PIECE.finditer(expression):
        depth += bool(piece["open"]) - bool(piece["close"])
        if piece["or"] and depth == 0:
            return ""
        plain = piece["plain"] or piece["escaped"] if depth == 0 else None
        behind = expression[piece.end() : piece.end() + 1]
        if plain and behind not in _OPTIONAL:
            runs[-1] += plain
        if not plain or behind in _REPEATS:
            runs.append("")
    return max(runs, key=len).lower()


_OPTIONAL = ("?", "*", "{")
_REPEATS = (*_OPTIONAL, "+")
_PIECE = re.compile(
    r"""\[\^?\]?(?:\\.|[^\]\\])*\](?:[*+?]|\{[\d,]*\})*  # a class, with what repeats it
      | (?P<open>\() | (?P<close>\)(?:[*+?]|\{[\d,]*\})*) | (?P<or>\|)
      | \\(?P<escaped>[^\w\s]|\ ) | \\. | [*+?^$.] | \{[\d,]*\}
      | (?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)


_BLANK = re.compile(r"(?: |\\s|\\ )(?:[?*+]|\{[\d,]*\})*")


@cache
def _pattern(id: str, expression: str, without_blanks: bool = False) -> re.Pattern[str]:
    try:
        return re.compile(
            _BLANK.sub("", expression) if without_blanks else expression, re.IGNORECASE
        )
    except re.error as error:
        raise KnowledgeError(f"{id}.toml: the expression {expression!r}: {error}") from error
