"""Timers take turns, on a clock made by hand."""

from benching import Made

from rotcheck.bench import rounds


def run(*seconds: float, budget: float) -> tuple[list[list[float]], list[str]]:
    log: list[str] = []
    made = [Made(name, [each], log) for name, each in zip("abc", seconds)]
    return rounds.interleaved(made, [1] * len(made), budget), log


def test_all_run_once_in_each_round() -> None:
    seconds, log = run(1.0, 2.0, 3.0, budget=60.0)
    assert seconds == [[1.0] * 10, [2.0] * 10, [3.0] * 10]
    assert [sorted(log[at : at + 6]) for at in range(0, 60, 6)] == [
        ["a", "a", "b", "b", "c", "c"]
    ] * 10


def test_each_order_has_its_turn() -> None:
    _, log = run(1.0, 1.0, 1.0, budget=18.0)
    orders = {"".join(log[at : at + 6 : 2]) for at in range(0, 36, 6)}
    assert log[0::2] == log[1::2]  # a call that is not timed, then one that is
    assert orders == {"abc", "acb", "bac", "bca", "cab", "cba"}


def test_seven_rounds_at_least_however_long_they_take() -> None:
    seconds, _ = run(100.0, 100.0, budget=1.0)
    assert len(seconds[0]) == rounds.FEWEST == 7


def test_a_thousand_rounds_at_most_however_short_they_are() -> None:
    seconds, _ = run(1e-9, 1e-9, budget=1.0)
    assert len(seconds[0]) == rounds.MOST == 1000


def test_seconds_are_those_of_one_call() -> None:
    log: list[str] = []
    seconds = rounds.interleaved([Made("a", [0.5], log)], [8], 0.0)
    assert seconds[0] == [0.5] * 7


def test_short_calls_come_in_batches_and_long_ones_do_not() -> None:
    made = Made("a", [1.0], [])
    assert rounds.calls_of(made, rounds.BATCH / 10) == 10
    assert rounds.calls_of(made, 10.0) == 1
    assert rounds.calls_of(made, 0.0) == made.most_calls


def test_first_calls_are_timed_one_by_one() -> None:
    assert rounds.warm_up(Made("a", [9.0, 5.0, 1.0, 1.0], [])) == [9.0, 5.0, 1.0, 1.0]
