"""Whose lines led to a frame: the program's, or rotcheck's alone."""

import os
import sys
from functools import partial
from threading import Thread
from types import CodeType
from typing import Any

import pytest

import rotcheck
from rotcheck.watch.inside.callers import is_of_program

OURS = os.path.join(os.path.dirname(rotcheck.__file__), "rotary", "paths.py")


def _asked_in(*files: str) -> bool:
    """Whether a frame is the program's, to which only the lines of these files led."""
    answers: list[bool] = []
    names: dict[str, Any] = {
        "is_of_program": is_of_program,
        "sys": sys,
        "answers": answers,
        "inner": None,
    }
    for file in files:
        text = "inner() if inner else answers.append(is_of_program(sys._getframe()))"
        code: CodeType = compile(text, file, "exec")
        names = names | {"inner": partial(exec, code, names)}  # which has no frame of its own
    thread = Thread(target=names["inner"])  # nothing of the test leads to it
    thread.start()
    thread.join()
    return answers[0]


@pytest.mark.parametrize(
    ("files", "right"),
    [((OURS,), False), ((OURS, OURS), False), ((OURS, "/home/train.py"), True), (("/home/train.py",), True)],
)  # fmt: skip
def test_rotcheck_alone_is_not_the_program(files: tuple[str, ...], right: bool) -> None:
    assert _asked_in(*files) == right
