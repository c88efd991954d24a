"""Decoding with `input_pos` and a cache that is set up at once: wrong models are told, right ones
pass."""

from typing import Any

import pytest
import static_caches as caches
import torch
from static_caches import Fast, Lit, Model, Tune
from torch import Tensor

from rotcheck.model.build.call_search import copy_of
from rotcheck.model.forward_pass import run_forward
from rotcheck.model.sequences import chunked_prefill, decode, padded_decode
from rotcheck.model.sequences.way import NotComparable, WayClosed, WaySubject

LENGTH = 19


def subject(build: type[Model]) -> WaySubject:
    torch.manual_seed(3)
    module = build().eval()
    name = next(iter(build.forward.__annotations__))
    inputs: dict[str, Tensor] = {name: torch.arange(2 * LENGTH).view(2, -1) % caches.WORDS}
    if isinstance(module, Fast):
        module.setup_caches(2, caches.LONGEST)
        inputs["input_pos"] = torch.arange(LENGTH)
    untouched = copy_of(module)
    whole = run_forward(module, inputs)
    return WaySubject(module, inputs, None, "cpu", torch.float32, build, whole, untouched)


@pytest.mark.parametrize("way", [decode, chunked_prefill])
@pytest.mark.parametrize("build", [Fast, Lit, Tune])
def test_a_right_model_decodes_as_in_its_one_pass(build: type[Model], way: Any) -> None:
    model = subject(build)
    outcome = way.run(model)
    assert (outcome.finding, outcome.message, outcome.note) == (None, None, None)
    assert outcome.error == pytest.approx(0, abs=1e-5)
    if build is not Fast:
        assert model.module.layers[0].cache is None


@pytest.mark.parametrize(
    ("build", "code", "words"),
    [
        (caches.OneLate, "cache-positions", "are turned 1 position behind: token 3 as position 2"),
        (caches.FromZero, "cache-positions", "as position 0"),
        (caches.FastFromZero, "cache-positions", "the cache's length is not added"),
        (caches.LitKeepsUnturned, "cache-keys", "as they were before the rotation"),
        (caches.TuneKeepsUnturned, "cache-keys", "as they were before the rotation"),
    ],
)
def test_a_wrong_cache_is_told(build: type[Model], code: str, words: str) -> None:
    outcome = decode.run(subject(build))
    assert outcome.finding == code
    assert words in (outcome.message or "")


@pytest.mark.parametrize("build", [Lit, Tune])
def test_rows_of_different_lengths_decode_each_at_its_own_positions(build: type[Model]) -> None:
    outcome = padded_decode.run(subject(build))
    assert (outcome.finding, outcome.message, outcome.note) == (None, None, None)
    assert outcome.error == pytest.approx(0, abs=1e-5)
    assert "padded on the left" in outcome.what or build is Lit


@pytest.mark.parametrize("build", [caches.LitFirstRow, caches.TuneCountsPadding])
def test_a_row_at_the_positions_of_another_is_told(build: type[Model]) -> None:
    outcome = padded_decode.run(subject(build))
    assert outcome.finding == "padding-positions"
    assert "row 1, without its padding" in (outcome.message or "")


def test_a_padded_row_that_is_turned_from_another_position_on_is_right() -> None:
    outcome = padded_decode.run(subject(caches.TuneFirstRow))
    assert (outcome.finding, outcome.message) == (None, None)
    assert outcome.note == "row 1 begins at position 4, which RoPE allows"


def test_positions_of_one_row_for_all_close_the_way() -> None:
    with pytest.raises(WayClosed, match="input_pos"):
        padded_decode.run(subject(Fast))


def test_a_cache_that_is_turned_when_it_is_read_is_not_judged() -> None:
    with pytest.raises(NotComparable, match="turned with the whole cache"):
        decode.run(subject(caches.LitTurnsOnReading))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (caches.Unknown, "its set_kv_cache wants pages"),
        (caches.Without, "has neither setup_caches"),
    ],
)
def test_a_cache_that_is_not_known_closes_the_way(build: type[Model], words: str) -> None:
    with pytest.raises(WayClosed, match=words):
        decode.run(subject(build))
