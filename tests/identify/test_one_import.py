"""A file is imported once for all of its functions, each of which has a process of its own."""

import sys
from pathlib import Path

import pytest

from rotcheck.identify.run import identify_all

FILE = """
import os
from pathlib import Path

import torch

with Path(__file__).with_name("imports").open("a") as imports:
    imports.write("x")
CALLED = []


def turn(q, k, cos, sin, interleaved):
    def rotate(x):
        if interleaved:
            return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
        a, b = x.chunk(2, -1)
        return torch.cat((-b, a), -1)

    return q * cos + rotate(q) * sin, k * cos + rotate(k) * sin


def apply_rope_with_flag(q, k, cos, sin, interleaved=False):
    CALLED.append("with flag")
    return turn(q, k, cos, sin, interleaved)


def apply_rope_that_aborts(q, k, cos, sin):
    os.abort()


def apply_rope_alone(q, k, cos, sin):
    return turn(q, k, cos, sin, False) if not CALLED else (q, k)
"""
BELOW = """

raise RuntimeError("nobody gets here")
"""
ALL = ["apply_rope_alone", "apply_rope_that_aborts", "apply_rope_with_flag"]


@pytest.mark.parametrize(
    ("code", "imports"), [(FILE, 1), (FILE + BELOW, 5)], ids=["runs", "raises"]
)
def test_it_is_imported_once_and_a_death_costs_its_own_answer(
    code: str, imports: int, tmp_path: Path
) -> None:
    if sys.platform != "linux":
        pytest.skip("nothing is forked here")
    file = tmp_path / "file.py"
    file.write_text(code)
    found = {one.specification: one for one in identify_all([str(file)])}
    alone, aborts, flagged = (found[f"file.py:{name}"] for name in ALL)
    assert alone.answer == flagged.answer == "right"
    assert [flag.flag for flag in flagged.flags] == ["interleaved=True"]
    assert aborts.message == "the process was killed by SIGABRT while it was called"
    assert (tmp_path / "imports").read_text() == "x" * imports
