"""Medians, ratios, compile time and break-even, from seconds made by hand."""

import random

import msgspec
import pytest
from benching import spread

from rotcheck.bench import timing_statistics
from rotcheck.bench.plan import Group
from rotcheck.bench.timings import not_run, without_noise
from rotcheck.results import Spread


def test_a_spread_is_the_median_and_the_quartiles() -> None:
    assert timing_statistics.spread([5.0, 1.0, 4.0, 2.0, 3.0]) == Spread(
        median=3.0, q25=2.0, q75=4.0
    )


def test_one_value_has_no_noise() -> None:
    assert timing_statistics.spread([5.0]) == Spread(median=5.0, q25=5.0, q75=5.0)


def test_ratios_are_taken_round_by_round_so_that_drift_cancels() -> None:
    drifting = [1.0, 2.0, 4.0, 8.0, 16.0]
    assert timing_statistics.ratio([3 * each for each in drifting], drifting) == Spread(
        median=3.0, q25=3.0, q75=3.0
    )


def test_ratios_of_different_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        timing_statistics.ratio([1.0, 2.0], [1.0])


def test_what_first_calls_took_beyond_steady_ones_is_summed() -> None:
    assert timing_statistics.excess([21.0, 6.0, 1.01, 0.99], spread(1.0)) == 25.0


def test_first_calls_as_long_as_steady_ones_owe_nothing() -> None:
    assert timing_statistics.excess([1.02, 1.03, 0.9, 1.0], spread(1.0)) == 0.0


@pytest.mark.parametrize(
    ("extra", "seconds", "speedup", "calls"),
    [
        (10.0, 0.5, 3.0, 10),  # one second saved a call
        (10.1, 0.5, 3.0, 11),
        (0.0, 0.5, 3.0, 0),
        (-1.0, 0.5, 3.0, 0),
        (10.0, 0.5, 1.0, None),
        (10.0, 0.5, 0.5, None),
        (10.0, 0.5, 1.005, None),  # within the noise
    ],
)
def test_break_even(extra: float, seconds: float, speedup: float, calls: int | None) -> None:
    assert timing_statistics.break_even(extra, spread(seconds), spread(speedup)) == calls


def test_a_speedup_within_the_noise_of_the_baseline_against_itself_is_none() -> None:
    assert timing_statistics.is_significant(spread(1.05), spread(1.0))
    assert not timing_statistics.is_significant(spread(1.05), spread(1.04))
    assert not timing_statistics.is_significant(spread(1.005))


def test_two_samples_of_the_same_noise_are_not_told_apart() -> None:
    chance = random.Random(1)
    one, other = ([chance.gauss(1, 0.05) for _ in range(100)] for _ in range(2))
    assert not timing_statistics.is_significant(timing_statistics.ratio(one, other))
    assert timing_statistics.is_significant(
        timing_statistics.ratio(one, [1.3 * each for each in other])
    )


def test_a_baseline_in_luck_does_not_pay_itself_back() -> None:
    """Its second measurement came out faster than its first:
    that is noise, whatever the quartiles say."""
    lucky = Spread(median=1.1, q25=1.05, q75=1.15)
    group = Group("cpu", "float32", "2x10x3x8x64", "forward")
    row = msgspec.structs.replace(
        not_run("native", group, "ran", ""), speedup=lucky, break_even_calls=0
    )
    assert without_noise(row, row.speedup).break_even_calls is None
    assert without_noise(row, Spread(median=1.0, q25=0.99, q75=1.01)).break_even_calls == 0
