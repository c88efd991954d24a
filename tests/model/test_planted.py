"""Models with one thing wrong are found and rightly named; right ones of the same kinds are not
accused."""

import importlib
import pkgutil

import planted
import pytest
import torch
from planted.shell import PlantedModel

from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation
from rotcheck.results.model import ModelRow

MODELS: list[PlantedModel] = [
    model
    for info in pkgutil.iter_modules(planted.__path__)
    for model in getattr(importlib.import_module(f"planted.{info.name}"), "MODELS", ())
]
RIGHT = [model for model in MODELS if not model.finding]
WRONG = [model for model in MODELS if model.finding]


def _rows(model: PlantedModel) -> list[ModelRow]:
    torch.manual_seed(0)
    forward = run_forward(model.build(), model.inputs())
    observation = ModelObservation(forward, model.config)
    return [*observation.rows("cpu"), *observation.backward_rows("cpu")]


def test_there_are_as_many_as_we_say() -> None:
    assert len(RIGHT) >= 20
    assert len(WRONG) >= 40
    assert len({model.name for model in MODELS}) == len(MODELS)


@pytest.mark.parametrize("model", RIGHT, ids=lambda model: model.name)
def test_a_right_model_is_understood_and_not_accused(model: PlantedModel) -> None:
    rows = _rows(model)
    assert [(row.kind, row.finding, row.message) for row in rows if row.finding] == []
    assert {row.verdict for row in rows} <= {"agrees", "skipped"}
    kinds = {row.kind for row in rows if row.verdict == "agrees"}
    assert kinds >= {"rotation", "attention", "backward"}


@pytest.mark.parametrize("model", WRONG, ids=lambda model: model.name)
def test_what_is_wrong_with_a_model_is_found_and_rightly_named(model: PlantedModel) -> None:
    rows = _rows(model)
    assert {row.finding for row in rows if row.finding} == {model.finding}
    assert any(model.words in (row.message or "") for row in rows if row.finding)
