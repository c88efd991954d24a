"""What `rotcheck explain` says of a text or a log."""

from collections.abc import Iterator

from rotcheck.diagnose.diagnosis import Diagnosis
from rotcheck.diagnose.explanation import Explanation
from rotcheck.report import document as made_of
from rotcheck.report.document import (
    Detail,
    Details,
    Document,
    Heading,
    Part,
    Quote,
    Section,
    Tone,
    listing,
)
from rotcheck.report.pages import failures
from rotcheck.report.text import one_line, plural, shorten

WORD = "an explanation"
RESULT = Explanation

LONGEST = 300  # characters of a message in a headline
LONGEST_SEEN = 100
CODE = "No failure: these are lines of programs, or of a search in them, that only quote a message."


def document(explanation: Explanation) -> Document:
    """The line that is explained, how sure, cause and fix, what else is known of, and what to do next."""
    return Document(tuple(_parts(explanation)))


def _parts(explanation: Explanation) -> Iterator[Part]:
    answer = explanation.answer
    if explanation.outcome == "code":
        yield Heading(CODE)
    elif answer is None:
        lines = plural(explanation.lines, "line")
        yield Heading(f"The run ended well: nothing in {lines} says that it failed.", "good")
    else:
        yield Quote(_line(answer))
    if answer is not None:
        tone: Tone = "plain" if explanation.answered else "note"
        entry = answer.failure or answer.message
        details = [Details(_details(explanation, answer))]
        title, id = (one_line(entry.title), entry.id) if entry else ("Not known", "")
        yield Section(title, details, tone, id=id)
    yield from listing("Also seen", _others(explanation), aside=True)
    yield from listing("Next", explanation.next)


def _line(answer: Diagnosis) -> str:
    place = f"line {answer.line}: " if answer.line else ""
    process = f"[{one_line(answer.process)}] " if answer.process else ""
    return f"{place}{process}{shorten(one_line(answer.text), LONGEST)}"


def _details(explanation: Explanation, answer: Diagnosis) -> list[Detail]:
    entry = answer.failure or answer.message
    return made_of.details(
        Detail("how sure", f"{answer.certainty}: {answer.why}"),
        *_end(explanation),
        Detail("or", "\n".join(map(failures.title, answer.others))),
        *(failures.details(entry, signatures=False) if entry else []),
    )


def _end(explanation: Explanation) -> Iterator[Detail]:
    """What became of the run, where that is not what is explained."""
    if explanation.crash:
        yield Detail("ended by", _line(explanation.crash))
    elif explanation.outcome == "well":
        yield Detail("the run", "went on: nothing here ended it.")


def _others(explanation: Explanation) -> list[str]:
    """A line for each other message that is known."""
    return [
        f"line {seen.line}, {seen.kind}: {seen.id}  {one_line(seen.title)} "
        f"({shorten(one_line(seen.text), LONGEST_SEEN)})"
        for seen in explanation.also
    ]
