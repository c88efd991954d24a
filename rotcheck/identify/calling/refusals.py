"""What calls raised, and which kinds of arguments a function refuses, whatever their shapes."""

import linecache
import re
from collections import Counter
from functools import lru_cache
from types import TracebackType

from rotcheck.convention import Convention, role_named
from rotcheck.convention.calls import keyword_roles
from rotcheck.frames import is_own

ENOUGH = 40  # calls that one line refuses for the kinds of their arguments, none of which came back
_OF_KINDS = (TypeError, AttributeError, KeyError, NameError, ImportError, ModuleNotFoundError)
_SAYS_KIND = re.compile(
    r"Boolean value of Tensor|only one element tensors|cannot be converted to Scalar|only integers, slices"
    r"|\bCUDA\b|NVIDIA driver|\d active drivers|accelerator device"
)
_SIZE = re.compile(r"\d")
_KEY = re.compile(r"\[\s*f?[\"']")  # `argument["name"]`, of which torch says "too many indices"
Kinds = tuple[str, ...]


class Refusals:
    """What the calls of one search raised, each text once."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._places: Counter[tuple[Kinds, str]] = Counter()
        self._accepted_kinds: set[Kinds] = set()
        self._refused_kinds: set[Kinds] = set()
        # in heads of which width a call raised what
        self._at: dict[Convention, tuple[int, str]] = {}
        self._at_any: set[Convention] = set()

    @property
    def texts(self) -> tuple[str, ...]:
        """What was raised, first things first."""
        return tuple(self._texts)

    def say(self, text: str) -> None:
        """Keep what became of a call."""
        self._texts.setdefault(text)

    def take(self, convention: Convention) -> None:
        """Remember that a call came back."""
        self._accepted_kinds.add(_kinds(convention))

    def learn(self, convention: Convention, error: Exception, width: int) -> None:
        """Count what a call raised in heads of a width,
        if no other shapes of its arguments would change it.

        What names sizes, and the same ones in heads of another width, does not depend on the width.
        """
        line = _line(error.__traceback__)
        # it may have looked at shapes
        text, deliberate = str(error), line[1].startswith(("raise", "assert"))
        before, earlier = self._at.setdefault(convention, (width, text))
        if before != width and earlier == text and _SIZE.search(text) and not deliberate:
            self._at_any.add(convention)
        if _of_kinds(error, line[1], deliberate=deliberate):
            kinds = _kinds(convention)
            self._places[kinds, line[0]] += 1
            if self._places[kinds, line[0]] >= ENOUGH and kinds not in self._accepted_kinds:
                self._refused_kinds.add(kinds)

    def hopeless(self, convention: Convention) -> bool:
        """Whether calls with arguments of these kinds, or this one in heads of any width,
        are refused."""
        return convention in self._at_any or (
            bool(self._refused_kinds) and _kinds(convention) in self._refused_kinds
        )


def _kinds(convention: Convention) -> Kinds:
    return _kinds_of(convention.arguments, convention.form.kind)


@lru_cache(maxsize=1024)
def _kinds_of(arguments: Kinds, table: str) -> Kinds:
    """The kind of each argument of a call, with the keyword that it is passed by."""
    kinds = ((name, role_named(role)) for name, role in keyword_roles(arguments))
    return tuple(
        f"{name}={table if role.name == 'table' else role.kind or role.name}"
        for name, role in kinds
    )


def _of_kinds(error: Exception, line: str, *, deliberate: bool) -> bool:
    """Whether what a line raised is about the kind of an argument, whatever its shape."""
    plain = type(error) in _OF_KINDS and not deliberate
    of_a_key = type(error) is IndexError and _KEY.search(line) is not None
    return plain or of_a_key or _SAYS_KIND.search(str(error)) is not None


def _line(traceback: TracebackType | None) -> tuple[str, str]:
    """Place and text of the innermost line that is the function's and not torch's."""
    file, number = "", 0
    while traceback is not None:
        here = traceback.tb_frame.f_code.co_filename
        if "/torch/" not in here and not is_own(here):
            file, number = here, traceback.tb_lineno
        traceback = traceback.tb_next
    return f"{file}:{number}", linecache.getline(file, number).strip()
