"""What departs from a convention is named, and a search for what is broken ends as soon as one for what is right."""

from collections.abc import Callable
from typing import Any

import functions_departing
import pytest
from functions_departing import SAYS
from identifying import told

from rotcheck.identify import engine
from rotcheck.identify.limit import CALLS, RUNS, Limit
from rotcheck.implementations.hints import hints
from rotcheck.implementations.load import find


@pytest.mark.parametrize("name", SAYS)
def test_which_lanes_heads_and_rows_depart_and_how(name: str) -> None:
    found = told(f"functions_departing:{name}")
    assert found.answer == "wrong"
    assert any(SAYS[name] in one.message for one in found.findings), [one.message for one in found.findings]


@pytest.mark.parametrize("name", ["right", "along_rows", "stay_behind"])
def test_of_a_right_one_nothing_departs(name: str) -> None:
    found = told(f"functions_departing:{name}")
    assert (found.answer, found.findings) == ("right", ())


def used(name: str) -> Limit:
    """Return what a search for a function's call used."""
    function: Callable[..., Any] = find(f"functions_departing:{name}", "cpu").function
    limit = Limit()
    engine.search(function, functions_departing.torch.device("cpu"), hints(function), limit)
    return limit


@pytest.mark.parametrize("name", [*SAYS, "right"])
def test_a_search_tries_few_calls(name: str) -> None:
    limit = used(name)
    assert limit.calls <= 400
    assert limit.runs <= 150


def test_a_search_that_finds_nothing_ends_and_says_what_it_left_out() -> None:
    assert used("takes_nothing").calls <= CALLS + 50
    assert used("returns_noise").runs <= RUNS + 50
    found = told("functions_departing:takes_nothing")
    assert any("is where the search stopped" in text for text in found.tried)


def test_seconds_end_a_search_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rotcheck.identify.limit.SECONDS", 0.0)
    assert used("takes_nothing").calls < 100
