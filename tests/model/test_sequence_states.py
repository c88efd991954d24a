"""A model after a cast, a load, a long pass, under autocast, a compiler, checkpointing."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import planted_tables as planted
import pytest
import torch
from planted_decoders import IgnoresPositions, with_attention
from planted_tables import with_tables
from small_decoder import SmallDecoder, subject_of
from torch import nn

from rotcheck.model.sequences import (
    autocast,
    beyond,
    checkpointing,
    compile,
    meta,
    reload,
    to_bfloat16,
)
from rotcheck.model.sequences.evidence.far_pass import FarPass, witnessed_pass
from rotcheck.model.sequences.evidence.row_difference import SAME
from rotcheck.model.sequences.way import WayClosed

ModelClass = type[SmallDecoder]
WRONG: list[tuple[ModelClass, Any, str, str]] = [
    (SmallDecoder, to_bfloat16, "phase-cast", "at positions up to 511: it rounds rotary.inv_freq"),
    (with_tables(planted.ProductTables), autocast, "phase-autocast", "q, k in layers.{0,1} turn up"),
    (with_tables(planted.CachedTables), autocast, "phase-autocast", "turn up"),
    (SmallDecoder, meta, "lost-buffer", "nothing makes rotary.inv_freq again"),
    (with_tables(planted.LoadedTables), reload, "reload", "q, k in layers.{0,1} turn up"),
    (planted.ForgetsTheta, reload, "reload", "q, k in layers.{0,1} turn up"),
    (
        with_tables(planted.ClampedTables), beyond, "row-past-table",
        "position 1025 is turned as position 1024",
    ),
    (
        with_tables(planted.CircularTables), beyond, "row-past-table",
        "position 1024 is turned as position 0",
    ),
    (
        with_tables(planted.KeptTables), beyond, "spoilt-by-growing",
        "after a pass at position 1024 and later, tokens 1 to 10",
    ),
    (with_attention(planted.CountsCalls), checkpointing, "checkpoint", "turn up to"),
    (
        with_attention(planted.OtherWhenCompiled), compile, "compiled",
        "with 11 tokens, the attention of layers.0 gets q of tokens 1 to 10 turned by other angles",
    ),
]  # fmt: skip
FRESH = with_tables(planted.FreshTables)
RIGHT: list[tuple[ModelClass, Any, str | None]] = [
    *((FRESH, way, None) for way in (to_bfloat16, autocast, meta, reload, beyond)),
    (SmallDecoder, autocast, None),
    (SmallDecoder, checkpointing, None),
    (SmallDecoder, compile, None),
    (SmallDecoder, reload, None),
    (SmallDecoder, beyond, None),
    (with_tables(planted.ResetTables), meta, "right once reset_parameters() was called"),
    (with_tables(planted.ShortTables), to_bfloat16, None),
    (with_tables(planted.ShortTables), meta, None),
    (with_tables(planted.ShortTables), beyond, "positions from 1024 on raise IndexError"),
    (with_tables(planted.GrownRows), beyond, None),
    (with_tables(planted.DynamicTables), beyond, "from position 1024 on, pairs turn by other"),
]


@pytest.mark.parametrize(("build", "way", "code", "words"), WRONG)
def test_a_wrong_state_is_told(build: type[nn.Module], way: Any, code: str, words: str) -> None:
    outcome = way.run(subject_of(build))
    assert outcome.finding == code
    assert words in outcome.message


@pytest.mark.parametrize(("build", "way", "note"), RIGHT)
def test_a_right_state_passes(build: type[nn.Module], way: Any, note: str | None) -> None:
    outcome = way.run(subject_of(build))
    assert (outcome.finding, outcome.message) == (None, None)
    assert outcome.note is None if note is None else note in outcome.note


def test_positions_without_effect_are_not_called_clamped() -> None:
    with pytest.raises(WayClosed, match="position_ids has no effect"):
        beyond.run(subject_of(IgnoresPositions))


class HandsOn(nn.Module):
    """Hands on what it takes, and writes it down."""

    told: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        super().__init__()
        self.decoder = SmallDecoder()

    def forward(self, input_ids: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        self.told.append(kwargs.get("use_cache"))
        scores: torch.Tensor = self.decoder(input_ids)["logits"]
        return scores


class HandsOnWithConfig(HandsOn):
    config = SimpleNamespace(to_dict=dict)


@pytest.mark.parametrize(("build", "use_cache"), [(HandsOn, None), (HandsOnWithConfig, False)])
def test_a_layer_that_runs_twice_writes_no_cache(
    build: type[nn.Module], use_cache: bool | None
) -> None:
    assert checkpointing.run(subject_of(build)).finding is None
    assert HandsOn.told[-1] is use_cache


@pytest.mark.parametrize(("weight", "is_told"), [(0.0, False), (1.0, True)])
def test_zeros_have_no_angle(weight: float, is_told: bool) -> None:
    subject = subject_of(SmallDecoder)
    far = FarPass.of_subject(subject)
    (first, *rest), _ = witnessed_pass(subject, subject.module, far.inputs)
    tensor, *others = first.turns
    angles, weights = tensor.turn.angles.clone(), tensor.turn.weights.clone()
    angles[..., 3, :], weights[..., 3, :] = 0.0, weight
    turn = replace(tensor.turn, angles=angles, weights=weights)
    records = [replace(first, turns=(replace(tensor, turn=turn), *others)), *rest]
    assert bool(far.difference(records, SAME).words) == is_told


def test_the_model_itself_is_left_as_it_was() -> None:
    subject = subject_of(SmallDecoder)
    before = {name: tensor.clone() for name, tensor in subject.module.state_dict().items()}
    for way in (to_bfloat16, autocast, meta, reload, beyond, checkpointing):
        way.run(subject)
    assert "forward" not in vars(subject.module.layers[0])  # type: ignore[index]
    assert all(bool((before[name] == x).all()) for name, x in subject.module.state_dict().items())
    assert all(weight.grad is None for weight in subject.module.parameters())


def test_a_default_device_hides_no_graph() -> None:
    torch.set_default_device("cpu")
    try:
        outcome = compile.run(subject_of(SmallDecoder))
    finally:
        torch.set_default_device(None)
    assert (outcome.finding, outcome.message) == (None, None)
