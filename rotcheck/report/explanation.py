"""An explanation as a headline, labelled texts and lines: what each format draws."""

from collections.abc import Sequence

from rotcheck.diagnose import Failure
from rotcheck.diagnose.diagnosis import Diagnosis
from rotcheck.diagnose.explanation import Explanation
from rotcheck.report import failure
from rotcheck.report.text import one_line, plural, shorten

LONGEST = 300  # characters of a message in a headline
LONGEST_SEEN = 100


def headline(told: Explanation) -> str:
    """Return the line that is explained, with its number; or that nothing ended the run."""
    if told.outcome == "code":
        return "No failure: these are lines of programs, or of a search in them, that only quote a message."
    if told.answer is None:
        return f"The run ended well: nothing in {plural(told.lines, 'line')} says that it failed."
    return _line(told.answer)


def _line(answer: Diagnosis) -> str:
    place = f"line {answer.line}: " if answer.line else ""
    process = f"[{one_line(answer.process)}] " if answer.process else ""
    return f"{place}{process}{shorten(one_line(answer.text), LONGEST)}"


def title(told: Explanation, gap: str = "  ") -> str:
    """Return the id and the title of what it is."""
    answer = told.answer
    if answer is None:
        return ""
    entry = answer.failure or answer.message
    return f"{entry.id}{gap}{one_line(entry.title)}" if entry else "Not known"


def details(told: Explanation) -> list[tuple[str, str]]:
    """Return what is said of it, as labelled texts."""
    answer = told.answer
    if answer is None:
        return []
    sure = [("how sure", f"{answer.certainty}: {answer.why}"), *_end(told)]
    entry = answer.failure or answer.message
    known = failure.told(entry, signatures=False) if entry else []
    return [*sure, *_maybe(answer.others), *known]


def _end(told: Explanation) -> list[tuple[str, str]]:
    """Return what became of the run, where that is not what is explained."""
    if told.crash:
        return [("ended by", _line(told.crash))]
    if told.outcome == "well":
        return [("the run", "went on: nothing here ended it.")]
    return []


def _maybe(others: Sequence[Failure]) -> list[tuple[str, str]]:
    return (
        [("or", "\n".join(f"{other.id}  {one_line(other.title)}" for other in others))]
        if others
        else []
    )


def also(told: Explanation) -> list[str]:
    """Return a line for each other message that is known."""
    return [
        f"line {seen.line}, {seen.kind}: {seen.id}  {one_line(seen.title)} "
        f"({shorten(one_line(seen.text), LONGEST_SEEN)})"
        for seen in told.also
    ]
