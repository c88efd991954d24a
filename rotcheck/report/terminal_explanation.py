"""What `rotcheck explain` says of a text or a log, for the terminal."""

from rich.console import Group
from rich.text import Text

from rotcheck.diagnose.explanation import Explanation
from rotcheck.report import explanation as explained
from rotcheck.report import terminal
from rotcheck.report.page import Look


def explanation(found: Explanation, look: Look) -> str:
    """Return the line that is explained, how sure, cause and fix, what else is known of, and what to do next."""
    tone = "bold green" if found.answer is None else "bold" if found.answered else "bold yellow"
    title = [Text(explained.title(found), style=tone)] if found.answer else []
    parts = [*title, *([terminal.labelled(explained.details(found))] if found.answer else [])]
    return terminal.printed(
        look,
        [
            Text(explained.headline(found), style="bold"),
            *([Group(*parts)] if parts else []),
            *terminal.listed("Also seen", explained.also(found)[: terminal.MOST_REMARKS]),
            *terminal.listed("Next", found.next),
        ],
    )
