"""Makes a stranger's text fit to be shown: no control characters, no endless lines,
figures one can read."""

import math
import re

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
LONGEST = 600  # characters of a message that a reader is shown


def clean(text: str) -> str:
    """The text with what a terminal, XML or a browser would act on written out, as `\\x1b`."""
    return _CONTROL.sub(_written_out, text.replace("\r\n", "\n").expandtabs(4))


def one_line(text: str) -> str:
    """The text cleaned, on one line."""
    return " ".join(clean(text).split())


def shorten(text: str, longest: int = LONGEST) -> str:
    """The text, cut behind `longest` characters with a word on how much was cut."""
    if len(text) <= longest:
        return text
    return f"{text[:longest].rstrip()} ... ({len(text) - longest} more characters)"


def figure(error: float) -> str:
    """An error figure in as few characters as keep its meaning: 0, 0.50, 8.05, 37, 3e+07."""
    if not math.isfinite(error) or error > 1e300:
        return "nan/inf"
    if error == 0:
        return "0"
    if error < 0.005:
        return "<0.01"
    if error < 9.995:
        return f"{error:.2f}"
    return f"{error:.0f}" if error < 9999.5 else f"{error:.0e}"


def plural(count: int, word: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
