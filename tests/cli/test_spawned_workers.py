"""Each command where workers are started as on macOS: as fresh interpreters, not forked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import rotcheck
from rotcheck.preflight.policy import Policy
from rotcheck.preflight.run import preflight
from rotcheck.results import Machine

MODEL = Path(__file__).parents[1] / "accelerator" / "rotary_model.py"
NATIVE = {"devices": ["cpu"], "dtypes": ["float32"]}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """What `probe` finds; from then on it is what each command is told, since each worker that
    looks at the machine would import torch for that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rotcheck.isolation.pool.default_start", lambda: "spawn")
        found = rotcheck.probe().machine
        patch.setattr("rotcheck.probe.run.workplace", lambda *_, **__: found)
        yield found


def test_probe(machine: Machine) -> None:
    assert machine.torch
    assert machine.devices()["cpu"].state == "runs"


def test_compare_and_preflight(machine: Machine) -> None:
    decision = preflight(Policy(implementations=("native",), devices=("cpu",), dtypes=("float32",)))
    assert decision.may_start
    assert decision.report.summary["agrees"] == len(decision.report.cells) > 10


def test_identify(machine: Machine) -> None:
    assert rotcheck.identify(f"{MODEL}:apply_rotary_pos_emb").follows


def test_context(machine: Machine) -> None:
    found = rotcheck.context(f"{MODEL}:Rotary", conditions=["constructed"])
    assert [row.verdict for row in found.rows] == ["agrees"]


def test_bench(machine: Machine) -> None:
    found = rotcheck.bench(
        ["native"], shapes=["1x5x3x2x8"], passes=["forward"], seconds=0.01, **NATIVE
    )
    assert [row.state for row in found.timings] == ["ran"]


def test_train(machine: Machine) -> None:
    found = rotcheck.train(["native"], steps=2, **NATIVE)
    assert [course.verdict for course in found.courses] == ["agrees"]
