"""Arguments that name a layout by a string,
as `tensor_format="sbhd"`: which strings there are to try."""

import ast
import re
import typing
from collections.abc import Callable
from typing import Any

from rotcheck.convention import LAYOUTS
from rotcheck.identify.calling.keyword_choices import choices
from rotcheck.identify.calling.parameters import Parameter
from rotcheck.identify.calling.role_evidence import documentation

_QUOTES = re.compile(r"""["'`]+(\w+)["'`]+""")


def other_layouts(function: Callable[..., Any], parameter: Parameter, value: object) -> list[str]:
    """The layouts that an argument may name beside a value that is one.

    By its annotation, by what the function compares it with,
    or by words in quotes in the docstring.
    """
    if not _is_layout(value):
        return []
    kind = parameter.kind if typing.get_origin(parameter.kind) is typing.Literal else str
    literals = map(ast.literal_eval, choices(function, parameter.name, kind))
    words = [*literals, *_QUOTES.findall(documentation(function))]
    return [word for word in dict.fromkeys(words) if _is_layout(word) and word != value]


def _is_layout(word: object) -> bool:
    """Whether a word is a layout's name, as `bshd`, `BSHD`, or `BSND` with n for heads."""
    return isinstance(word, str) and word.lower().replace("n", "h") in LAYOUTS
