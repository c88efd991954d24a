"""Ways in which a model is called: wrong caches, padding and packing are told, right ones pass."""

import inspect
import warnings
from typing import Any

import planted_decoders as planted
import pytest
import torch
from planted_decoders import with_attention
from small_decoder import SmallDecoder, subject_of
from torch import nn

from rotcheck.model import sequences
from rotcheck.model.sequences import (
    autocast,
    checkpointing,
    chunked_prefill,
    decode,
    left_padding,
    packing,
    padded_decode,
    reload,
    uneven_rows,
)
from rotcheck.model.sequences.way import NotComparable, WayClosed, WayOutcome

WRONG: list[tuple[type[SmallDecoder], Any, str, str]] = [
    (
        planted.EachCallFromZero, decode, "cache-positions",
        "tokens 3 to 10 are turned as position 0 (q, k in layers.{0,1}): the cache's length is not added",
    ),
    (
        planted.EachCallFromZero, chunked_prefill, "cache-positions",
        "the cache's length is not added",
    ),
    (planted.PartsFromZero, chunked_prefill, "cache-positions", "token 5 as position 0"),
    (
        planted.OneLate, decode, "cache-positions",
        "tokens 3 to 10 are turned 1 position behind: token 3 as position 2",
    ),
    (planted.AtTheEnd, decode, "cache-positions", "tokens 3 to 10 are turned as position 31"),
    (
        with_attention(planted.KeepsUnturnedKeys), decode, "cache-keys",
        "the attention of layers.0 gets k of tokens 1 to 9 as they were before the rotation",
    ),
    (
        with_attention(planted.TurnsKeysAgain), decode, "cache-keys",
        "gets k of tokens 0 to 9 turned by other angles than in the whole pass",
    ),
    (planted.CountsMaskAlongBatch, left_padding, "padding-positions", "row 0"),
    (planted.CountsPadding, left_padding, "padding-positions", "row 0"),
    (planted.FromTheRight, uneven_rows, "padding-positions", "row 0"),
    (
        planted.CountsMaskInPrefillOnly, padded_decode, "padding-positions",
        "row 1, without its padding: tokens 5 to 6 are turned 4 positions ahead",
    ),
    (
        planted.IgnoresPositions, packing, "packed-positions",
        "tokens 0 to 3 are turned 7 positions ahead: token 0 as position 7",
    ),
    (planted.ClampsPositions, packing, "packed-positions", "are turned as position 6"),
]  # fmt: skip
RIGHT = [
    SmallDecoder,
    planted.CountsMask,
    planted.StartsAtTwo,
    planted.LayersOfTwoKinds,
]
WAYS = [decode, chunked_prefill, left_padding, padded_decode, uneven_rows, packing]


@pytest.mark.parametrize(("build", "way", "code", "words"), WRONG)
def test_a_wrong_model_is_told(build: type[nn.Module], way: Any, code: str, words: str) -> None:
    outcome = way.run(subject_of(build))
    assert outcome.finding == code
    assert words in outcome.message


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("build", RIGHT)
def test_a_right_model_passes(build: type[nn.Module], way: Any) -> None:
    outcome: WayOutcome = way.run(subject_of(build))
    assert (outcome.finding, outcome.message) == (None, None)
    assert outcome.error is not None


@pytest.mark.parametrize("way", [decode, chunked_prefill])
def test_a_cache_of_keys_that_are_turned_each_time_passes(way: Any) -> None:
    outcome = way.run(subject_of(with_attention(planted.TurnsAllKeys)))
    assert (outcome.finding, outcome.message, outcome.note) == (None, None, None)


def test_a_wrong_model_is_right_in_the_other_ways() -> None:
    subject = subject_of(planted.IgnoresPositions)
    assert decode.run(subject).finding is None
    subject = subject_of(planted.EachCallFromZero)
    assert left_padding.run(subject).finding is None


def test_what_no_rotation_explains_is_no_finding() -> None:
    outcome = decode.run(subject_of(with_attention(planted.WritesKeysLate)))
    assert outcome.finding is None
    assert outcome.message is not None
    assert "what the model returns differs" in outcome.message


def test_tensors_of_fewer_rows_than_tokens_are_left_out_and_told() -> None:
    subject = subject_of(with_attention(planted.Compresses))
    for way in (decode, uneven_rows):
        outcome = way.run(subject)
        assert (outcome.finding, outcome.message) == (None, None)
        assert subject.notes == ["not compared: x of turn, 4 rows of 19 tokens"]
    autocast.run(subject)
    assert subject.notes == []


def test_a_model_that_needs_positions_gets_those_of_each_sequence() -> None:
    inputs = {"input_ids": torch.randint(50, (1, 19)), "position_ids": torch.arange(19)[None]}
    outcome = packing.run(subject_of(planted.NeedsPositions, **inputs))
    assert (outcome.finding, outcome.message) == (None, None)


def test_a_model_that_takes_no_second_step_is_not_accused_of_checkpointing() -> None:
    with pytest.raises(WayClosed, match="a second step raises without it too"):
        checkpointing.run(subject_of(with_attention(planted.KeepsGraph)))


def test_a_rotation_that_is_no_call_is_not_judged_token_by_token() -> None:
    subject = subject_of(with_attention(planted.TurnsWithin))
    for way in (decode, left_padding):
        with pytest.raises(NotComparable, match=r"stands within .*TurnsWithin\.forward"):
            way.run(subject)


def test_a_rotation_that_is_no_call_is_seen_again_in_a_whole_pass() -> None:
    subject = subject_of(with_attention(planted.TurnsWithin))
    for way in (reload, checkpointing):
        outcome = way.run(subject)
        assert (outcome.finding, outcome.message) == (None, None)
        assert outcome.error is not None
    outcome = autocast.run(subject_of(with_attention(planted.RoundsWithin)))
    assert outcome.finding == "phase-autocast"
    assert "q, k in layers.{0,1}" in str(outcome.message)


def test_a_row_that_begins_elsewhere_is_a_note() -> None:
    outcome = left_padding.run(subject_of(SmallDecoder))
    assert outcome.note is not None
    assert "row 1 begins at position 4" in outcome.note
    assert left_padding.run(subject_of(planted.CountsMask)).note is None


class NoCache(nn.Module):
    """Takes tokens, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = SmallDecoder()

    def forward(self, input_ids: Any) -> Any:
        """The scores."""
        return self.decoder(input_ids)["logits"]


class LossFirst(SmallDecoder):
    """Returns a number before the scores, as models with a loss of their experts do."""

    def forward(self, *arguments: Any, **named: Any) -> Any:
        """The number, the scores and the cache."""
        return {"aux_loss": torch.zeros(()), **super().forward(*arguments, **named)}


LossFirst.forward.__signature__ = inspect.signature(SmallDecoder.forward)  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", [decode, left_padding, padded_decode, packing])
def test_a_number_before_the_scores_is_no_score(way: Any) -> None:
    outcome = way.run(subject_of(LossFirst))
    assert (outcome.finding, outcome.message) == (None, None)


class SaysThatItIgnoresPositions(planted.IgnoresPositions):
    """Positions that are handed in are not used, and whoever hands them in is told so."""

    def forward(
        self,
        input_ids: Any,
        attention_mask: Any = None,
        position_ids: Any = None,
        past_key_values: Any = None,
    ) -> Any:
        """The scores and the cache."""
        if position_ids is not None:
            warnings.warn("position_ids were given, and are ignored", stacklevel=2)
        return super().forward(input_ids, attention_mask, None, past_key_values)


def test_positions_that_a_model_says_it_ignores_are_not_asked_for() -> None:
    with pytest.raises(WayClosed, match="says that it ignores position_ids"):
        packing.run(subject_of(SaysThatItIgnoresPositions))


@pytest.mark.parametrize(("way", "reason"), [
    (decode, "takes no past_key_values"),
    (left_padding, "takes no attention_mask"),
    (packing, "takes no position_ids"),
])  # fmt: skip
def test_a_model_that_cannot_be_called_so_is_told_why(way: Any, reason: str) -> None:
    with pytest.raises(WayClosed, match=reason):
        way.run(subject_of(NoCache))


def test_every_way_is_named() -> None:
    assert set(sequences.names()) >= {
        way.__name__.rpartition(".")[2].replace("_", "-") for way in WAYS
    }
