"""The layout that a function's docstring, annotation or shape comment says its tensors have: `q, k: (B, S, H, D)`."""

import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rotcheck.convention import LAYOUTS, vocabulary
from rotcheck.convention.vocabulary import said
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.calling.templates import parameters, signature

_TENSORS = (vocabulary.QUERY, vocabulary.KEY, vocabulary.VALUE, vocabulary.TENSOR, vocabulary.QKV)
_WORDS = (
    ("b", r"b|batch(_?size)?|bsz|bs"),
    (
        "s",
        r"s|t|l|(q|query|src|tgt)_?len|seq(uence)?(_?len(gth)?)?|seqlen|len(gth)?|tokens?|num_tokens|time|rows",
    ),
    ("h", r"h|((n|num|number\sof)[\s_]?)?(attention[\s_]|query[\s_])?heads?|n_?h"),
    (
        "d",
        r"d|lanes|(head|h)[\s_]?dim(ension)?s?|d[\s_]?head|dim[\s_]?head|head[\s_]?size|hd|dim|features",
    ),
    ("3", r"3|three"),
)
_TUPLE = re.compile(r"[(\[]([^()\[\]]+)[)\]]")
_ALTERNATIVE = re.compile(r"\b(or|if|else|either)\b")
BEFORE = 60  # characters in front of a shape that may say whose it is


@dataclass(frozen=True, slots=True)
class DocumentedLayout:
    """A layout and the words that say so."""

    layout: str
    words: str


def documented_layout(function: Callable[..., Any]) -> DocumentedLayout | None:
    """Return the layout that is said of a function's tensors; None: nothing says it, or not one alone."""
    tensors = [
        one.name
        for one in parameters(function) or ()
        if any(said(one.name, names) for names in _TENSORS)
    ]
    every = [*_of_text(documentation(function), tensors), *_of_comments(function, tensors)]
    every += _of_annotations(function, tensors)
    layouts = {*(one.layout for one in every), *_alternatives(documentation(function))}
    return every[0] if every and len(layouts) == 1 else None


def _alternatives(text: str) -> Iterator[str]:
    """Yield the layouts between which a flag chooses: `if True, (B, S, H, D), else (B, H, S, D)`."""
    for line in filter(_ALTERNATIVE.search, text.splitlines()):
        yield from filter(None, (_layout(found[1].split(",")) for found in _TUPLE.finditer(line)))


def _of_text(text: str, tensors: list[str]) -> Iterator[DocumentedLayout]:
    for line in text.splitlines():
        for found in _TUPLE.finditer(line):
            before = line[max(0, found.start() - BEFORE) : found.start()]
            names = _named(before, tensors)
            layout = _layout(found[1].split(","))
            if names and layout and not _ALTERNATIVE.search(line):
                yield DocumentedLayout(
                    layout, f"the docstring says {names[-1]} ({found[1].strip()})"
                )


def _of_comments(function: Callable[..., Any], tensors: list[str]) -> Iterator[DocumentedLayout]:
    """Yield what comments behind the parameters say, and those above the first statement: `# q, k: [B, H, T, D]`."""
    called = function if inspect.isroutine(function) else getattr(function, "forward", None)
    try:
        source = inspect.getsource(inspect.unwrap(called)) if called else ""
        tokens = list(tokenize.generate_tokens(io.StringIO(textwrap.dedent(source)).readline))
    except (OSError, TypeError, ValueError, tokenize.TokenError, SyntaxError):
        return
    head = next((one.start[0] for one in tokens if one.type == tokenize.INDENT), 0)
    for one in tokens:
        if one.type != tokenize.COMMENT or one.start[0] >= head:
            continue
        behind = one.line.partition("#")[0].strip()
        for found in _TUPLE.finditer(one.string):
            names = _named(behind or one.string[: found.start()], tensors)
            layout = _layout(found[1].split(",")) if names else None
            if layout and not _ALTERNATIVE.search(one.string):
                where = f"behind {names[0]} says" if behind else f"says {names[-1]}"
                yield DocumentedLayout(layout, f"the comment {where} ({found[1].strip()})")


def _of_annotations(function: Callable[..., Any], tensors: list[str]) -> Iterator[DocumentedLayout]:
    """Yield what annotations say, as jaxtyping's `Float[Tensor, "b s h d"]`."""
    for one in signature(function) or ():
        quoted = (
            re.findall(r"['\"]([^'\"]+)['\"]", str(one.annotation)) if one.name in tensors else []
        )
        for text in quoted:
            if layout := _layout(text.split()):
                yield DocumentedLayout(layout, f'the annotation of {one.name} says "{text}"')


def _named(text: str, tensors: list[str]) -> list[str]:
    """Return the words of a text that name one of these tensors; `q` and `k` stand for `query` and `key` too."""
    roles = [
        role
        for role in (vocabulary.QUERY, vocabulary.KEY)
        if any(said(name, role) for name in tensors)
    ]
    words = re.findall(r"\w+", text)
    return [
        word
        for word in words
        if word in tensors or (len(word) == 1 and any(said(word, role) for role in roles))
    ]


def _layout(parts: list[str]) -> str | None:
    """Return the layout of a shape in words; None where one of them says nothing, or where two say the same."""
    words = [part.strip(" `*").lower() for part in parts if part.strip(" `*")]
    axes = [_axis(word) for word in words]
    if "n" in words and axes.count(None) == 1:  # batch or heads, whichever is not there
        axes[words.index("n")] = "b" if "b" not in axes else "h" if "h" not in axes else None
    if None in axes or len(axes) < (2 if "e" in axes else 3) or len(set(axes)) < len(axes):
        return None
    return next((one.name for one in LAYOUTS.values() if one.axes == "".join(map(str, axes))), None)


def _axis(word: str) -> str | None:
    if re.fullmatch(r".*heads? ?\* ?.*(dim|size|d)", word):
        return "e"
    return next((axis for axis, words in _WORDS if re.fullmatch(words, word)), None)
