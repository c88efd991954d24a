"""The docstrings of the public functions, which docs/api.md lists: their sections, and their
examples, which are run."""

import doctest
import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rotcheck.rotary

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
PUBLIC = re.findall(r"<!-- api: (\S+):(\S+) as (\S+) -->", PAGE.read_text())
SHOWN_IN_DOCS = {"probe", "check", "context", "bench", "train", "scan", "model", "assert_rotates"}
"""They need a file, or take seconds: docs/ and examples/ run them."""


def public(module: str, name: str) -> Callable[..., Any]:
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def test_the_page_lists_public_functions() -> None:
    assert {name for _, name, _ in PUBLIC} > SHOWN_IN_DOCS


@pytest.mark.parametrize(("module", "name", "shown"), PUBLIC, ids=[shown for *_, shown in PUBLIC])
def test_a_docstring_says_arguments_and_result(module: str, name: str, shown: str) -> None:
    function = public(module, name)
    text = inspect.getdoc(function) or ""
    parameters = list(inspect.signature(function).parameters)

    assert "\nReturns:\n" in text
    assert "\nArgs:\n" in text
    args = text.partition("\nArgs:\n")[2].partition("\nReturns:\n")[0]
    assert re.findall(r"^    \**(\w+): ", args, re.MULTILINE) == parameters


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, name, _ in PUBLIC if name not in SHOWN_IN_DOCS],
    ids=lambda text: text,
)
def test_the_examples_of_a_docstring_print_what_they_show(module: str, name: str) -> None:
    function = public(module, name)
    words = {**vars(rotcheck.rotary), **function.__globals__, name: function}
    test = doctest.DocTestParser().get_doctest(function.__doc__ or "", words, name, None, 0)
    assert test.examples
    printed: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=printed.append)
    assert not printed, "".join(printed)
