"""What a function prints or warns of while it is called: worth knowing, and no mistake."""

import contextlib
import io
import warnings

from rotcheck.convention.calls import arguments
from rotcheck.identify.asking.idle_arguments import usual_case
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark

LONGEST = 100  # characters that are shown


def of_call(match: Match) -> list[Remark]:
    """What the usual call prints and warns of, in Python."""
    case, output = usual_case(match), io.StringIO()
    positional, keyword = arguments(match.convention, case.call())
    with (
        warnings.catch_warnings(record=True) as messages,
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
        contextlib.suppress(Exception),  # what it raises was said already
    ):
        warnings.simplefilter("always")
        match.caller.function(*positional, **keyword)
    text = output.getvalue()
    notes = [
        f"prints on a call: {_first_line(text)}" if text.strip() else "",
        f"warns on a call: {_first_line(str(messages[0].message))}" if messages else "",
    ]
    evidence = "one call, its standard streams and warnings recorded"
    return [remark("prints", note, evidence, mistake=False) for note in notes if note]


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0]
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
