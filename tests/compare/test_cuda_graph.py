"""The check of CUDA graphs, on a stand-in of theirs:
right functions pass, what was baked into a graph shows."""

import graphs
import pytest
import torch
from comparing import HERE

from rotcheck.compare.checks import cuda_graph
from rotcheck.isolation import worker_process
from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.judge import judge
from rotcheck.measure.subject import Subject

RIGHT = (
    "timm-cat",  # cos and sin joined
    "complex",
    "native",  # packed qkv
    "transformers-llama",
    "diffusers",  # cos and sin in a tuple
    "torch-onnx",  # positions that index tables
    "torchtune",  # positions that index a table of its own
    "transformers-qwen2-vl",  # positions that it computes angles of
    f"{HERE}/checks_full.py:plain",
    f"{HERE}/checks_full.py:indexed",
    f"{HERE}/checks_full.py:in_place",
)
BAKED = ("keeps_its_cos", "keeps_its_joined_tables", "keeps_its_positions", "keeps_its_rows")


@pytest.fixture(autouse=True)
def fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_needs_successor", False)


def found(name: str) -> Evidence:
    """Return what the check finds about a function on the CPU that passes
    for one on a CUDA device."""
    subject = Subject(name, "cpu")
    case = Case(subject, torch.bfloat16)
    subject.device = torch.device("cuda", 0)
    with pytest.MonkeyPatch.context() as patch:
        graphs.stand_in(patch)
        return cuda_graph.run(subject, case)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function_replays_what_was_put_in_since(name: str) -> None:
    evidence = found(name)
    assert (judge(evidence), evidence.error, evidence.message) == ("agrees", 0.0, None)
    assert not worker_process._needs_successor


@pytest.mark.parametrize("name", BAKED)
def test_what_was_baked_into_the_graph_is_found(name: str) -> None:
    evidence = found(f"{HERE}/captured.py:{name}")
    assert (judge(evidence), evidence.finding) == ("disagrees", "cuda-graph")
    assert "a replay of its CUDA graph gives different values" in str(evidence.message)


@pytest.mark.parametrize("name", ["looks_at_a_value", "looks_and_tells_otherwise"])
def test_what_cannot_be_captured_is_told_by_its_first_cause_and_ends_the_process(name: str) -> None:
    evidence = found(f"{HERE}/captured.py:{name}")
    assert (evidence.finding, evidence.message) == (
        "cuda-graph",
        f"a CUDA graph cannot capture it: RuntimeError: {graphs.NOT_NOW}",
    )
    assert worker_process._needs_successor
