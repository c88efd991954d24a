"""Trained weights know their rotation: each model finds its own, whatever was made of it."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import torch
from small_language_models import (
    InlineAttention,
    LanguageModel,
    rotate_half,
    rotate_interleaved,
    train,
)
from torch import nn

from rotcheck.model.weights.text_tokens import text_of
from rotcheck.model.weights.weights_judge import judge_weights
from rotcheck.results.model import WeightsFit

STEPS = 200
MODELS: dict[str, dict[str, Any]] = {
    "half": {},
    "interleaved, grouped heads": {"rotate": rotate_interleaved, "heads": (4, 2)},
    "partial": {"part": 0.5},
    "linear scaling": {"factor": 2.0},
    "two layer types": {"thetas": (1e4, 1e1)},
}
CONFIGS: dict[str, dict[str, Any]] = {
    "two layer types": {"layer_types": ["full_attention", "sliding_attention"]}
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


def judge(module: nn.Module, config: dict[str, Any] | None = None) -> WeightsFit:
    return judge_weights(module, text_of(None), config, window=64)


@cache
def weights(name: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = LanguageModel(**MODELS[name])
    train(model, model, STEPS)
    return model.state_dict()


def trained(name: str, **changes: Any) -> LanguageModel:
    model = LanguageModel(**MODELS[name] | changes)
    model.load_state_dict(weights(name))
    return model


def fits(fit: WeightsFit, *kinds: str) -> set[str]:
    return {row.fits for row in fit.rows if row.kind in kinds}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_each_model_finds_its_own_rotation(name: str) -> None:
    fit = judge(trained(name), CONFIGS.get(name))
    assert (fit.verdict, fit.finding) == ("agrees", None), fit
    assert [row for row in fit.rows if row.fits == "better"] == []
    assert fits(fit, "pairing", "direction", "rotation", "scaling", "part", "positions") == {
        "worse"
    }
    assert fit.loss is not None
    assert fit.noise == pytest.approx(0.04, abs=0.03)


PLANTED: list[tuple[str, dict[str, Any], str]] = [
    ("half", {"rotate": rotate_interleaved}, "half pairs"),
    ("interleaved, grouped heads", {"rotate": rotate_half}, "interleaved pairs"),
    ("half", {"thetas": (1e6,)}, "theta 10,000"),
    ("partial", {"part": 1.0}, "50% of the lanes turn"),
    ("linear scaling", {"factor": 1.0}, "linear scaling by 2"),
    ("two layer types", {"thetas": (1e1, 1e4)}, "full_attention and sliding_attention exchanged"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "changes", "right"), PLANTED)
def test_another_rotation_than_the_weights_were_trained_with_is_found(
    name: str, changes: dict[str, Any], right: str
) -> None:
    fit = judge(trained(name, **changes), CONFIGS.get(name))
    assert (fit.verdict, fit.finding) == ("disagrees", "weights-fit-another")
    words = f"another convention fits the weights better than the one that runs: {right} (loss "
    assert fit.message is not None
    assert fit.message.startswith(words)
    assert fit.message.endswith(f" instead of {fit.loss:.3f})")


@pytest.mark.slow
def test_a_rotation_without_a_function_of_its_own_is_changed_too() -> None:
    model = LanguageModel()
    for layer in model.layers:
        layer.attention = InlineAttention(32, 2, 2, rotate_half)
    model.load_state_dict(weights("half"))
    fit = judge(model)
    assert fit.verdict == "disagrees"
    assert fit.runs == "interleaved, 16 lanes, Plain(theta=10000.0)"
    assert fit.message is not None
    assert "than the one that runs: half pairs (loss" in fit.message


def test_weights_that_were_not_trained_do_not_tell() -> None:
    torch.manual_seed(1)
    fit = judge(LanguageModel())
    assert fit.verdict == "unidentified"
    assert {row.fits for row in fit.rows} == {"unclear"}
    assert fit.message is not None
    assert fit.message.endswith(": the weights are not trained, or not for such a text")
