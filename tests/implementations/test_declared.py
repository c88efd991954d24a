"""A function that declares its convention is held to it, and one that declares nonsense is told."""

from pathlib import Path

import pytest

import rotcheck
from rotcheck.errors import RequestError
from rotcheck.implementations.declarations import declared_convention

ROTATE = """
import torch
import rotcheck


@rotcheck.declare({words})
def rotate(qkv, cos, sin):
    a, b = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-b, a), -1) * -sin
"""
ASKED = {"devices": ["cpu"], "dtypes": ["float32"], "checks": ["forward"]}


def written(folder: Path, words: str) -> str:
    (folder / "mine.py").write_text(ROTATE.format(words=words))
    return f"{folder}/mine.py:rotate"


def test_the_decorator_can_be_used_again_and_again_and_returns_the_function() -> None:
    """Importing the module that reads what was declared must not put anything in its place."""

    def function() -> None: ...

    for _ in range(2):
        assert rotcheck.declare(pairing="half")(function) is function
        assert declared_convention(function).pairing == "half"


@pytest.mark.parametrize(("direction", "verdict"), [("1", "disagrees"), ("-1", "agrees")])
def test_a_function_is_held_to_what_it_declares(
    direction: str, verdict: str, tmp_path: Path
) -> None:
    words = f"pairing='half', layout='qkv', tables='packed', direction={direction}"
    (cell,) = rotcheck.compare([written(tmp_path, words)], **ASKED).cells
    assert cell.verdict == verdict


def test_one_that_declares_nothing_is_judged_in_its_own_convention(tmp_path: Path) -> None:
    specification = written(tmp_path, "")
    text = (tmp_path / "mine.py").read_text()
    (tmp_path / "mine.py").write_text(text.replace("@rotcheck.declare()\n", ""))
    report = rotcheck.compare([specification], **ASKED)
    assert [cell.verdict for cell in report.cells] == ["agrees"]
    assert report.conventions[0].convention.direction == -1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "pairings='half'",
            "what it declares: unknown 'pairings'; a convention has arguments, blocks, ",
        ),
        ("pairing='halves'", "what it declares: Invalid enum value 'halves' - at `$.pairing`"),
        ("layout='bdsh'", "what it declares: unknown layout 'bdsh'; known are bshd"),
    ],
)
def test_what_no_convention_has_is_refused(words: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        rotcheck.compare([written(tmp_path, words)], **ASKED)
    assert said in str(caught.value)
