"""Tables for the terminal, and plain text when piped; what draws them is imported only when it is needed."""

from collections.abc import Sequence

from rotcheck.diagnose import Failure, Message
from rotcheck.diagnose.explanation import Explanation
from rotcheck.report.page import Look, Page
from rotcheck.results import Bench, Check, Context, Identification, Probe, Scan, Training, Trial

SUFFIX = ".txt"
MACHINE = False


def prepare() -> None:
    """Import what draws: a tenth of a second, better spent while workers work."""
    import rotcheck.report.terminal  # noqa: F401


def report(page: Page, look: Look) -> str:
    """Return the matrix, each distinct finding, the notes and reasons, and the summary."""
    from rotcheck.report import terminal

    return terminal.report(page, look)


def probe(found: Probe, look: Look) -> str:
    """Return what the machine has, a section for each group of lines."""
    from rotcheck.report import terminal

    return terminal.probe(found, look)


def trial(found: Trial, look: Look) -> str:
    """Return each claim and what was seen."""
    from rotcheck.report import terminal

    return terminal.trial(found, look)


def bench(found: Bench, look: Look) -> str:
    """Return a table for each device, dtype, shape and pass, and what did not run."""
    from rotcheck.report import terminal

    return terminal.bench(found, look)


def train(found: Training, look: Look) -> str:
    """Return the losses and gradients of each run, what went wrong, and what explains it."""
    from rotcheck.report import terminal

    return terminal.train(found, look)


def context(found: Context, look: Look) -> str:
    """Return a table for each object, what went wrong, and what did not run."""
    from rotcheck.report import terminal

    return terminal.context(found, look)


def check(found: Check, look: Look) -> str:
    """Return the answer in one line, a line for each function, and what is wrong."""
    from rotcheck.report import terminal

    return terminal.check(found, look)


def scan(found: Scan, look: Look) -> str:
    """Return what will break or go wrong, file by file."""
    from rotcheck.report import terminal_scan

    return terminal_scan.scan(found, look)


def convention(found: Sequence[Identification], look: Look) -> str:
    """Return for each function what it does, what told so, and what is wrong."""
    from rotcheck.report import terminal

    return terminal.convention(found, look)


def failures(found: Sequence[Failure | Message], look: Look) -> str:
    """Return one failure in full, several as a list."""
    from rotcheck.report import terminal

    return terminal.failures(found, look)


def explanation(found: Explanation, look: Look) -> str:
    """Return the line that is explained, how sure, cause and fix, and what else is known of."""
    from rotcheck.report import terminal_explanation

    return terminal_explanation.explanation(found, look)
