"""Answers the front's questions: each names a function of the probe and its arguments."""

import importlib
from collections.abc import Callable
from typing import Any

Question = list[str]
"""["inside.executors", "run", "meta", "legacy executor"]: file, function, arguments."""


def open_questions(_: None) -> Callable[[Question], Any]:
    """Open a job whose tasks are questions."""
    return answer


def answer(question: Question) -> Any:
    """Call the function that the question names; what it returns must be plain JSON data."""
    file, function, *arguments = question
    return getattr(importlib.import_module(f"rotcheck.probe.{file}"), function)(*arguments)
