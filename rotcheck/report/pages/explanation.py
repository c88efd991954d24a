"""What `rotcheck explain` says of a text or a log."""

from collections.abc import Iterator

from rotcheck.diagnose.diagnosis import Diagnosis
from rotcheck.diagnose.explanation import Explanation
from rotcheck.report import document as doc
from rotcheck.report.pages import failures
from rotcheck.report.text import one_line, plural, shorten

WORD = "an explanation"
RESULT = Explanation

LONGEST = 300  # characters of a message in a headline
LONGEST_SEEN = 100
CODE = "No failure: these are lines of programs, or of a search in them, that only quote a message."


def document(explanation: Explanation) -> doc.Document:
    """The line that is explained, how sure, cause and fix, what else is known of,
    and what to do next."""
    return doc.Document(tuple(_parts(explanation)))


def _parts(explanation: Explanation) -> Iterator[doc.Part]:
    answer = explanation.answer
    if explanation.outcome == "code":
        yield doc.Heading(CODE)
    elif answer is None:
        lines = plural(explanation.lines, "line")
        yield doc.Heading(f"The run ended well: nothing in {lines} says that it failed.", "good")
    else:
        yield doc.Quote(_line(answer))
    if answer is not None:
        tone: doc.Tone = "plain" if explanation.answered else "note"
        entry = answer.failure or answer.message
        details = [doc.Details(_details(explanation, answer))]
        title, id = (one_line(entry.title), entry.id) if entry else ("Not known", "")
        yield doc.Section(title, details, tone, id=id)
    yield from doc.listing("Also seen", _also(explanation), aside=True)
    yield from doc.listing("Next", explanation.next)


def _line(answer: Diagnosis) -> str:
    place = f"line {answer.line}: " if answer.line else ""
    process = f"[{one_line(answer.process)}] " if answer.process else ""
    return f"{place}{process}{shorten(one_line(answer.text), LONGEST)}"


def _details(explanation: Explanation, answer: Diagnosis) -> list[doc.Detail]:
    entry = answer.failure or answer.message
    return doc.details(
        doc.Detail("how sure", f"{answer.certainty}: {answer.why}"),
        *_end(explanation),
        doc.Detail("or", "\n".join(map(failures.title, answer.others))),
        *(failures.details(entry, signatures=False) if entry else []),
    )


def _end(explanation: Explanation) -> Iterator[doc.Detail]:
    """What became of the run, where that is not what is explained."""
    if explanation.crash:
        yield doc.Detail("ended by", _line(explanation.crash))
    elif explanation.outcome == "well":
        yield doc.Detail("the run", "went on: nothing here ended it.")


def _also(explanation: Explanation) -> list[str]:
    """A line for each other message that is known."""
    return [
        f"line {event.line}, {event.kind}: {event.id}  {one_line(event.title)} "
        f"({shorten(one_line(event.text), LONGEST_SEEN)})"
        for event in explanation.also
    ]
