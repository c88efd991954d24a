"""The default matrix asks for the sizes that people have,
and says which of them a function gets wrong."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from rotcheck.compare.checks import sizes
from rotcheck.convention import Convention
from rotcheck.implementations.target import Target
from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.subject import Subject

HALF = Convention(pairing="half", layout="bshd", tables="half-width", table_axes="s1w")
BATCHED = Convention(pairing="half", layout="bshd", tables="half-width", table_axes="bs1w")
COUNTED = Convention(
    pairing="half",
    layout="bshd",
    tables="positions",
    positions="from 0",
    arguments=("x",),
    last_position=127,
)
Turn = Callable[..., Tensor]


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def asked(
    function: Callable[..., Any], convention: Convention, dtype: torch.dtype = torch.float32
) -> Evidence:
    subject = Subject(Target(function, convention), "cpu")
    return sizes.run(subject, Case(subject, dtype))


def clamped(last: int) -> Turn:
    """Return a rotation whose rows past the last turn as that one."""

    def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows = torch.arange(x.shape[1]).clamp(max=last)
        return turn(x, cos[rows], sin[rows])

    return rotate


def unrotated(where: Callable[[Tensor], bool]) -> Turn:
    """Return a rotation that gives an input back as it is where that says so."""
    return lambda x, cos, sin: x.clone() if where(x) else turn(x, cos, sin)


def batch_row_2(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return torch.cat((turn(x, cos, sin)[:2], x[2:3], turn(x, cos, sin)[3:]))


def last_of_an_odd_number_of_pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    return torch.where(torch.arange(x.shape[-1]) % half < half // 2 * 2, turn(x, cos, sin), x)


WRONG = {  # what is wrong: the function, and what is said
    "from row 8 on": (clamped(7), "rows from 8 on turn as row 7, for the usual sizes too"),
    "from row 256 on": (clamped(255), "rows from 256 on turn as row 255, for 300 rows"),
    "in batch row 2 only": (batch_row_2, "batch row 2 comes back unrotated, for 3 batch rows"),
    "for heads of 128 only": (
        unrotated(lambda x: x.shape[-1] == 128),
        "returns its input unrotated, for heads of 128 lanes",
    ),
    "for an odd number of pairs only": (
        last_of_an_odd_number_of_pairs,
        "lanes 34, 69 come back unrotated, for heads of 70 lanes",
    ),
    "for one token only": (
        unrotated(lambda x: x.shape[1] == 1),
        "returns its input unrotated, for one token",
    ),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_at_a_size_is_found_and_named(what: str, dtype: torch.dtype) -> None:
    function, words = WRONG[what]
    found = asked(function, HALF, dtype)
    assert (found.finding is not None, found.message) == (True, words)


def test_batch_rows_have_positions_of_their_own_where_they_can() -> None:
    def first_of_three(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        own = slice(1) if len(x) == 3 else slice(None)
        return turn(x, cos[own], sin[own])

    found = asked(first_of_three, BATCHED)
    words = "rotates every batch row with the angles of the first, for 3 batch rows with positions of their own"
    assert (found.finding, found.message) == ("first-of-batch", words)


def test_one_token_has_a_position_of_its_own_in_each_batch_row() -> None:
    def first_of_one(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        own = slice(1) if x.shape[1] == 1 else slice(None)
        return turn(x, cos[own], sin[own])

    found = asked(first_of_one, BATCHED)
    words = "rotates every batch row with the angles of the first, for one token"
    assert (found.finding, found.message) == ("first-of-batch", words)


@pytest.mark.parametrize("convention", [HALF, BATCHED])
def test_what_is_right_everywhere_passes(convention: Convention) -> None:
    found = asked(turn, convention)
    assert (found.finding, found.note) == (None, None)


def test_a_size_that_is_refused_is_no_finding() -> None:
    """It is said, and what else was asked together with it is asked alone."""

    def narrow(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        assert x.shape[-1] <= 64, "heads of at most 64 lanes"
        return turn(x, cos, sin)

    found = asked(narrow, HALF)
    assert found.finding is None
    assert found.note is not None
    assert found.note.startswith(
        "refuses heads of 128 lanes (AssertionError: heads of at most 64 lanes)"
    )


def test_no_more_rows_are_asked_for_than_its_table_has() -> None:
    frequencies = 10000.0 ** (-torch.arange(0, 64, 2, dtype=torch.float64) / 64)

    def counted(x: Tensor) -> Tensor:
        assert x.shape[1] <= 128, "a table of 128 rows"
        angles = (torch.arange(x.shape[1])[:, None] * frequencies)[:, None]
        return turn(x.double(), angles.cos(), angles.sin()).to(x.dtype)

    found = asked(counted, Convention(**{**_fields(COUNTED), "head_dim": 64}))
    assert (found.finding, found.note) == (None, None)


def _fields(convention: Convention) -> dict[str, Any]:
    return {name: getattr(convention, name) for name in convention.__dataclass_fields__}
