"""A search ends soon: it learns from what calls raise, counts few guesses,
and takes no other work for its own."""

import time

import functions_of_kinds
import pytest
import torch
from identifying import told

from rotcheck.identify.calling import search, stopwatch
from rotcheck.identify.calling.search_limit import GUESSES, SECONDS, SearchLimit
from rotcheck.identify.calling.stopwatch import Stopwatch
from rotcheck.identify.run import identify
from rotcheck.implementations.size_hints import hints

MODULE = functions_of_kinds.__name__


def used(name: str) -> SearchLimit:
    """Return what a search for a function's call used."""
    limit, function = SearchLimit(), getattr(functions_of_kinds, name)
    search.search(function, torch.device("cpu"), hints(function), limit)
    return limit


@pytest.mark.parametrize("name", ["of_a_mapping", "of_attributes", "of_a_flag_tensor"])
def test_an_argument_of_another_kind_is_refused_once_and_for_all(name: str) -> None:
    assert used(name).calls < GUESSES / 2


def test_guesses_of_which_none_comes_back_are_few() -> None:
    limit = used("never_works")
    assert GUESSES <= limit.calls <= GUESSES + 50
    assert limit.runs == 0


@pytest.mark.parametrize("name", ["without_names", "of_96_lanes", "picky", "typed"])
def test_what_fits_late_is_found_all_the_same(name: str) -> None:
    assert told(f"{MODULE}:{name}").answer == "right"


def test_seconds_without_a_processor_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"wall": 0.0, "queued": 0.0}
    monkeypatch.setattr(stopwatch, "_queue_seconds", lambda: clock["queued"])
    monkeypatch.setattr(time, "perf_counter", lambda: clock["wall"])
    watch, limit = Stopwatch(), SearchLimit()
    clock["wall"] = SECONDS + 1
    assert limit.is_reached()  # it slept
    clock["queued"] = 2.0
    assert watch.seconds() == SECONDS - 1
    assert not limit.is_reached()  # others worked


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("in_a_format", {"tensor_format='bshd'": "bshd"}),
        ("says_its_layout", {"layout='bhsd'": "bhsd"}),
    ],
)
def test_each_layout_that_a_string_may_name_is_tried(name: str, flags: dict[str, str]) -> None:
    found = identify(f"{MODULE}:{name}")
    assert found.answer == "right"
    assert not found.untried
    seen = {one.flag: one.convention.layout for one in found.flags if one.convention}
    assert seen == flags


def test_a_default_says_how_many_lanes_of_a_head_turn() -> None:
    found = told(f"{MODULE}:some_lanes")
    assert found.answer == "right"
    assert found.convention is not None
    assert found.convention.rotary_dim == 32
