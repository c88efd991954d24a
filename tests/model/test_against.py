"""Two models side by side: those that turn alike are not accused, and what differs is named."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from stack_pairs import (
    ALIKE,
    DIFFERENT,
    LONGEST,
    WIDTH,
    WORDS,
    Engine,
    Hub,
    Rates,
    StackPair,
    dynamic,
    plain,
)
from torch import nn

import rotcheck
from rotcheck.model.against.against_rows import against_rows
from rotcheck.model.against.far_frequencies import FarRuns
from rotcheck.model.against.layer_rotation import ModelRotations
from rotcheck.model.against.model_layers import model_layers
from rotcheck.model.build.call_search import copy_of
from rotcheck.model.build.config_json import config_of_module
from rotcheck.model.build.random_inputs import token_sequence
from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation
from rotcheck.model.module_layers import layer_types
from rotcheck.model.sequences.way import WaySubject
from rotcheck.report.pages.model import document
from rotcheck.results import AgainstRow, ModelReport

HERE = Path(__file__).parent


def layers_of(
    module: nn.Module, lengths: Sequence[int], inputs: dict[str, Any] | None = None
) -> ModelRotations:
    module = module.eval()
    name = next(iter(module.forward.__annotations__))
    inputs = inputs or {name: token_sequence(WORDS)}
    config = config_of_module(module)
    untouched = copy_of(module)
    whole = run_forward(module, inputs)
    settings = config, "cpu", torch.float32
    subject = WaySubject(module, inputs, *settings, lambda: module, whole, untouched)
    runs, observation = FarRuns(subject, WORDS), ModelObservation(whole, config)
    types = tuple(layer_types(config or {}))
    return model_layers(observation, lengths, runs, (), types, is_small=False)


def rows_of(pair: StackPair) -> list[AgainstRow]:
    sides = [layers_of(build(), pair.lengths) for build in (pair.first, pair.second)]
    return list(against_rows(*sides, ("A", "B"), "cpu", "float32"))


@pytest.mark.parametrize("pair", ALIKE, ids=lambda pair: pair.name)
def test_models_that_turn_alike_are_not_accused(pair: StackPair) -> None:
    rows = rows_of(pair)
    assert {row.verdict for row in rows} == {"agrees"}, [row.message for row in rows]
    for row in rows:
        assert row.other == "does not turn" or [x.length for x in row.lengths[1:]] == [
            *pair.lengths
        ]


def state_layers(rates: Rates, lengths: Sequence[int]) -> ModelRotations:
    """Those of a layer that gets states and positions, as the rotary modules of engines do."""
    states, positions = torch.randn(2, 19, WIDTH), torch.arange(19).expand(2, -1)
    return layers_of(Engine(rates), lengths, {"hidden": states, "positions": positions})


def test_a_layer_is_run_at_far_positions_with_states_of_tokens() -> None:
    lengths = [512, LONGEST]
    for rates, verdict in ((dynamic(512), "agrees"), (plain(), "disagrees")):
        sides = state_layers(rates, lengths), layers_of(Hub([dynamic(512)]), lengths)
        (row,) = against_rows(*sides, ("A", "B"), "cpu", "float32")
        assert (row.verdict, [x.spec_known for x in row.lengths]) == (verdict, ["run"] * 3)


def test_a_table_that_ends_is_told_of_a_layer_too() -> None:
    sides = state_layers(plain(), [4 * LONGEST]), layers_of(Hub([plain()]), [4 * LONGEST])
    (row,) = against_rows(*sides, ("A", "B"), "cpu", "float32")
    assert row.verdict == "unidentified"
    assert "position 8191 raises IndexError" in (row.message or "")


@pytest.mark.parametrize("pair", DIFFERENT, ids=lambda pair: pair.name)
def test_what_differs_is_found_and_named(pair: StackPair) -> None:
    rows = [row for row in rows_of(pair) if row.verdict != "agrees"]
    assert {row.verdict for row in rows} == {pair.verdict}
    words = " | ".join(row.message or "" for row in rows)
    assert [part for part in pair.words if part not in words] == [], words


def model(first: str, second: str) -> ModelReport:
    return rotcheck.model(str(HERE / first), against=str(HERE / second), devices=["cpu"])


def test_two_files_are_run_apart_and_shown_side_by_side() -> None:
    report = model("stack_pairs.py:exchanged", "stack_pairs.py:right_types")
    assert report.other is not None
    assert (report.spec, report.other.spec) == (
        "stack_pairs.py:exchanged",
        "stack_pairs.py:right_types",
    )
    rows = report.other.against
    assert [(row.layers, row.verdict, row.failure) for row in rows] == [
        ("sliding_attention", "disagrees", "N62"), ("full_attention", "disagrees", "N62"),
    ]  # fmt: skip
    assert report.exit_code() == 1
    assert report.ways == ()
    text = str(document(report))
    assert "stack_pairs.py:exchanged against stack_pairs.py:right_types" in text


def test_a_file_that_only_declares_is_held_against_what_runs(tmp_path: Path) -> None:
    declared = {
        "dim": 48,
        "n_heads": 3,
        "rope_theta": 10000.0,
        "norm_eps": 1e-5,
        "max_seq_len": 2048,
    }
    file = tmp_path / "params.json"
    file.write_text(json.dumps(declared))
    report = rotcheck.model(
        f"{HERE / 'stack_pairs.py'}:meta_port", against=str(file), devices=["cpu"]
    )
    assert report.other is not None
    (row,) = report.other.against
    assert (row.verdict, row.message) == ("agrees", None)
    assert [(x.length, x.spec_known, x.other_known) for x in row.lengths] == [
        (19, "run", "declared"), (2048, "run", "declared"),
    ]  # fmt: skip
    assert report.exit_code() == 0


def test_another_model_that_does_not_run_is_a_row() -> None:
    report = model("decoders.py:right", "decoders.py:dies")
    assert report.other is not None
    assert {row.verdict for row in (*report.other.rows, *report.other.against)} == {"crashes"}
    assert report.exit_code() == 1
