"""The layout that a function's docstring, annotation or shape comment says its tensors have:
`q, k: (B, S, H, D)`."""

import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rotcheck.convention import LAYOUTS, vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.identify.calling.parameters import parameters, signature
from rotcheck.identify.calling.role_evidence import documentation

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
    """The layout that a function's documentation gives its tensors;
    None: it gives none, or several."""
    tensors = [
        parameter.name
        for parameter in parameters(function) or ()
        if any(is_named(parameter.name, names) for names in _TENSORS)
    ]
    shapes = [*_of_text(documentation(function), tensors), *_of_comments(function, tensors)]
    shapes += _of_annotations(function, tensors)
    layouts = {*(parameter.layout for parameter in shapes), *_alternatives(documentation(function))}
    return shapes[0] if shapes and len(layouts) == 1 else None


def _alternatives(text: str) -> Iterator[str]:
    """Yield the layouts between which a flag chooses:
    `if True, (B, S, H, D), else (B, H, S, D)`."""
    for line in filter(_ALTERNATIVE.search, text.splitlines()):
        yield from filter(None, (_layout(shape[1].split(",")) for shape in _TUPLE.finditer(line)))


def _of_text(text: str, tensors: list[str]) -> Iterator[DocumentedLayout]:
    for line in text.splitlines():
        for shape in _TUPLE.finditer(line):
            before = line[max(0, shape.start() - BEFORE) : shape.start()]
            names = _tensor_names(before, tensors)
            layout = _layout(shape[1].split(","))
            if names and layout and not _ALTERNATIVE.search(line):
                yield DocumentedLayout(
                    layout, f"the docstring says {names[-1]} ({shape[1].strip()})"
                )


def _of_comments(function: Callable[..., Any], tensors: list[str]) -> Iterator[DocumentedLayout]:
    """Yield what comments behind the parameters say, and those above the first statement:
    `# q, k: [B, H, T, D]`."""
    routine = function if inspect.isroutine(function) else getattr(function, "forward", None)
    try:
        source = inspect.getsource(inspect.unwrap(routine)) if routine else ""
        tokens = list(tokenize.generate_tokens(io.StringIO(textwrap.dedent(source)).readline))
    except (OSError, TypeError, ValueError, tokenize.TokenError, SyntaxError):
        return
    head = next((token.start[0] for token in tokens if token.type == tokenize.INDENT), 0)
    for token in tokens:
        if token.type != tokenize.COMMENT or token.start[0] >= head:
            continue
        behind = token.line.partition("#")[0].strip()
        for shape in _TUPLE.finditer(token.string):
            names = _tensor_names(behind or token.string[: shape.start()], tensors)
            layout = _layout(shape[1].split(",")) if names else None
            if layout and not _ALTERNATIVE.search(token.string):
                where = f"behind {names[0]} says" if behind else f"says {names[-1]}"
                yield DocumentedLayout(layout, f"the comment {where} ({shape[1].strip()})")


def _of_annotations(function: Callable[..., Any], tensors: list[str]) -> Iterator[DocumentedLayout]:
    """Yield what annotations say, as jaxtyping's `Float[Tensor, "b s h d"]`."""
    for parameter in signature(function) or ():
        texts = (
            re.findall(r"['\"]([^'\"]+)['\"]", str(parameter.annotation))
            if parameter.name in tensors
            else []
        )
        for text in texts:
            if layout := _layout(text.split()):
                yield DocumentedLayout(layout, f'the annotation of {parameter.name} says "{text}"')


def _tensor_names(text: str, tensors: list[str]) -> list[str]:
    """The words of a text that name one of these tensors;
    `q` and `k` stand for `query` and `key` too."""
    roles = [
        role
        for role in (vocabulary.QUERY, vocabulary.KEY)
        if any(is_named(name, role) for name in tensors)
    ]
    words = re.findall(r"\w+", text)
    return [
        word
        for word in words
        if word in tensors or (len(word) == 1 and any(is_named(word, role) for role in roles))
    ]


def _layout(parts: list[str]) -> str | None:
    """The layout of a shape in words; None where one of them says nothing,
    or where two say the same."""
    words = [part.strip(" `*").lower() for part in parts if part.strip(" `*")]
    axes = [_axis(word) for word in words]
    if "n" in words and axes.count(None) == 1:  # batch or heads, whichever is not there
        axes[words.index("n")] = "b" if "b" not in axes else "h" if "h" not in axes else None
    if None in axes or len(axes) < (2 if "e" in axes else 3) or len(set(axes)) < len(axes):
        return None
    return next(
        (layout.name for layout in LAYOUTS.values() if layout.axes == "".join(map(str, axes))), None
    )


def _axis(word: str) -> str | None:
    if re.fullmatch(r".*heads? ?\* ?.*(dim|size|d)", word):
        return "e"
    return next((axis for axis, words in _WORDS if re.fullmatch(words, word)), None)
