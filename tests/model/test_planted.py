"""Models with one thing wrong are found and rightly named; right ones of the same kinds are not
accused."""

import importlib
import pkgutil

import planted
import pytest
import torch
from planted.shell import PlantedModel

from rotcheck.model.axis_rows import AxisWitness
from rotcheck.model.declared.declared_rotation import declared_rotations
from rotcheck.model.declared_rows import declared_rows, schedules_of
from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation
from rotcheck.model.still_rows import still_rows
from rotcheck.results.model import DeclaredRow, ModelRow

MODELS: list[PlantedModel] = [
    model
    for info in pkgutil.iter_modules(planted.__path__)
    for model in getattr(importlib.import_module(f"planted.{info.name}"), "MODELS", ())
]
RIGHT = [model for model in MODELS if not model.finding]
WRONG = [model for model in MODELS if model.finding]


def _rows(model: PlantedModel) -> tuple[list[ModelRow], list[DeclaredRow]]:
    torch.manual_seed(0)
    config = model.config or {}
    module, inputs = model.build(), model.inputs()
    forward = run_forward(module, inputs)
    declared = declared_rotations(config)
    observation = ModelObservation(forward, config, schedules_of(declared, forward.length))
    rows = [*observation.rows("cpu"), *observation.backward_rows("cpu")]
    axes = AxisWitness(module, inputs, config)
    still = still_rows(observation.calls, config)
    return rows, [*declared_rows(observation, declared, config, axes), *still]


def test_there_are_as_many_as_we_say() -> None:
    assert len(RIGHT) >= 40
    assert len(WRONG) >= 40
    assert len({model.name for model in MODELS}) == len(MODELS)


@pytest.mark.parametrize("model", RIGHT, ids=lambda model: model.name)
def test_a_right_model_is_understood_and_not_accused(model: PlantedModel) -> None:
    rows, declared = _rows(model)
    assert [(row.finding, row.message) for row in [*rows, *declared] if row.finding] == []
    assert {row.verdict for row in rows} <= {"agrees", "skipped"}
    assert {row.verdict for row in declared} <= {"agrees"}
    assert bool(declared) == bool(model.config)
    kinds = {row.kind for row in rows if row.verdict == "agrees"}
    assert kinds >= {"rotation", "attention", "backward"}


@pytest.mark.parametrize("model", WRONG, ids=lambda model: model.name)
def test_what_is_wrong_with_a_model_is_found_and_rightly_named(model: PlantedModel) -> None:
    rows, declared = _rows(model)
    bad = [row for row in [*rows, *declared] if row.finding]
    assert {row.finding for row in bad} == {model.finding}
    assert any(model.words in (row.message or "") for row in bad)
