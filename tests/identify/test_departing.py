"""What departs from a convention is named, and a search for what is broken ends as soon
as one for what is right."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from functions_departing import SAYS, SEEN, STILL
from identifying import told
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from rotcheck.identify.calling import search
from rotcheck.identify.calling.search_limit import CALLS, RUNS, SearchLimit
from rotcheck.implementations.size_hints import hints
from rotcheck.implementations.target import resolve


@pytest.mark.parametrize("name", SAYS)
def test_which_lanes_heads_and_rows_depart_and_how(name: str) -> None:
    found = told(f"functions_departing:{name}")
    assert found.answer == "wrong"
    assert any(SAYS[name] in one.message for one in found.findings), [
        one.message for one in found.findings
    ]


@pytest.mark.parametrize("name", ["right", "along_rows", "stay_behind"])
def test_of_a_right_one_nothing_departs(name: str) -> None:
    found = told(f"functions_departing:{name}")
    assert (found.answer, found.findings) == ("right", ())


@pytest.mark.parametrize("name", SEEN)
def test_what_is_no_known_departure_is_told_as_a_formula_and_not_called_wrong(name: str) -> None:
    found = told(f"functions_departing:{name}")
    assert found.answer == "unknown"
    assert SEEN[name] in str(found.message)


@pytest.mark.parametrize("name", STILL)
def test_what_comes_back_where_nothing_turns_is_said(name: str) -> None:
    found = told(f"functions_departing:{name}")
    assert found.answer == ("unknown" if name in ("zeros", "tables_alone") else "wrong")
    assert STILL[name] in str(found.message)


class Work(TorchDispatchMode):
    """Counts the elements of all tensors that operations make."""

    elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.elements += sum(
            one.numel() for one in tree_leaves(result) if isinstance(one, torch.Tensor)
        )
        return result


@cache
def work(name: str) -> int:
    with Work() as counted:
        told(f"functions_departing:{name}")
    return counted.elements


@pytest.mark.parametrize("name", STILL)
def test_a_function_that_turns_nothing_costs_little_more_than_a_right_one(name: str) -> None:
    assert work(name) <= 10 * work("right")


def used(name: str) -> SearchLimit:
    """Return what a search for a function's call used."""
    function: Callable[..., Any] = resolve(f"functions_departing:{name}", "cpu").function
    limit = SearchLimit()
    search.search(function, torch.device("cpu"), hints(function), limit)
    return limit


@pytest.mark.parametrize("name", [*SAYS, "right"])
def test_a_search_tries_few_calls(name: str) -> None:
    limit = used(name)
    forms = 3 if name == "of_stacked_tables" else 1  # a table that may be of many forms
    assert limit.calls <= 400 * forms
    assert limit.runs <= 150 * forms


def test_a_search_that_finds_nothing_ends_and_says_what_it_left_out() -> None:
    assert used("takes_nothing").calls <= CALLS + 50
    assert used("returns_noise").runs <= RUNS + 50
    found = told("functions_departing:takes_nothing")
    assert any("is where the search stopped" in text for text in found.tried)


def test_seconds_end_a_search_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rotcheck.identify.calling.search_limit.SECONDS", 0.0)
    assert used("takes_nothing").calls < 100
