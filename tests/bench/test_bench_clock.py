"""The figures of a benchmark, of functions whose time is known:
measured while nothing else runs, and so at the end."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from benching import planted, timed
from clockwork import FIRST, PAUSE

from rotcheck.results import Timing

pytestmark = pytest.mark.last


@pytest.fixture(scope="module")
def rows(alone: Callable[[], AbstractContextManager[None]]) -> dict[str, Timing]:
    """Functions of known time against one that takes 20 ms."""
    names = (
        "half_as_slow",
        "first_call_sleeps",
        "second_call_sleeps",
        "slow_and_first_call_sleeps",
    )
    with alone():
        return timed(*names, against=planted("slow"), seconds=0.1)


def test_a_call_that_sleeps_takes_as_long_as_it_sleeps(rows: dict[str, Timing]) -> None:
    slow = rows["slow"].seconds
    assert slow is not None
    assert PAUSE <= slow.q25 <= slow.median <= slow.q75 < 3 * PAUSE
    assert rows["slow"].rounds >= 7
    assert rows["slow"].calls == 1


def test_the_speedup_is_the_baseline_s_time_over_its_own(rows: dict[str, Timing]) -> None:
    speedup = rows["half_as_slow"].speedup
    assert speedup is not None
    assert 1.4 < speedup.median < 2.6


def test_the_baseline_against_itself_is_no_faster(rows: dict[str, Timing]) -> None:
    speedup = rows["slow"].speedup
    assert speedup is not None
    assert 0.8 < speedup.median < 1.25
    assert rows["slow"].break_even_calls is None


@pytest.mark.parametrize("name", ["first_call_sleeps", "second_call_sleeps"])
def test_compile_time_is_what_first_calls_take_beyond_steady_ones(
    rows: dict[str, Timing], name: str
) -> None:
    row = rows[name]
    assert row.compile_seconds == pytest.approx(FIRST, rel=0.5)
    assert row.seconds is not None
    assert row.seconds.median < PAUSE / 2


def test_the_first_call_is_told_apart(rows: dict[str, Timing]) -> None:
    first = {
        name: rows[name].first_call_seconds or 0
        for name in ("first_call_sleeps", "second_call_sleeps")
    }
    assert first["first_call_sleeps"] >= FIRST
    assert first["second_call_sleeps"] < FIRST


def test_break_even_is_when_the_first_call_is_paid_back(rows: dict[str, Timing]) -> None:
    calls = rows["first_call_sleeps"].break_even_calls
    assert calls is not None
    assert FIRST / PAUSE / 2 < calls < FIRST / PAUSE * 2


def test_what_is_not_faster_never_pays(rows: dict[str, Timing]) -> None:
    assert rows["slow_and_first_call_sleeps"].break_even_calls is None
    assert rows["slow_and_first_call_sleeps"].compile_seconds == pytest.approx(FIRST, rel=0.5)


def test_what_has_nothing_to_pay_is_even_at_once(rows: dict[str, Timing]) -> None:
    calls = rows["half_as_slow"].break_even_calls
    assert calls is not None
    assert calls <= 2
