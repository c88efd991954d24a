"""What a function prints or warns of while it is called: worth knowing, and no mistake."""

import contextlib
import io
import warnings

from rotcheck.convention.calls import arguments
from rotcheck.identify.asking.idle_arguments import usual_case
from rotcheck.identify.calling.match import Match
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark

LONGEST = 100  # characters that are shown


def of_call(found: Match) -> list[Remark]:
    """Return remarks on what the usual call prints and warns of, in Python."""
    case, written = usual_case(found), io.StringIO()
    positional, keyword = arguments(found.convention, case.call())
    with warnings.catch_warnings(record=True) as heard, contextlib.redirect_stdout(written):
        warnings.simplefilter("always")
        with (
            contextlib.redirect_stderr(written),
            contextlib.suppress(Exception),
        ):  # it was told what it raises
            found.caller.function(*positional, **keyword)
    seen = "one call, its standard streams and warnings recorded"
    notes = [
        f"prints on a call: {_first(written.getvalue())}" if written.getvalue().strip() else "",
        f"warns on a call: {_first(str(heard[0].message))}" if heard else "",
    ]
    return [remark("prints", words, seen, mistake=False) for words in notes if words]


def _first(text: str) -> str:
    line = text.strip().splitlines()[0]
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
