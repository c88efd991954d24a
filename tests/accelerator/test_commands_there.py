"""Each command on the pretend accelerator, in its moods: the verdicts of the CPU, for right functions and wrong ones."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from running import DEVICE, MOODS, Machine

HERE = Path(__file__).parent
MODEL = HERE / "rotary_model.py"
MISTAKES = HERE.parent / "compare" / "mistakes.py"
OWN = ["complex", "fallback", "interleaved", "native", "rotcheck", "torchscript"]
LIBRARIES = [
    "diffusers", "diffusers-complex", "diffusers-half", "fair-esm", "megatron-core", "rotary-embedding-torch", "timm",
    "timm-cat", "timm-half", "torchtune", "torchtune-phi3", "torchtune-qwen2", "transformers-deepseek-v3",
    "transformers-gpt-neox", "transformers-gptj", "transformers-llama", "transformers-qwen2-vl",
]  # fmt: skip
WRONG = [f"{MISTAKES}:{name}" for name in ("sign", "pairing", "swapped", "off_by_one")]
SHORT = ["--timeout", "240"]  # seconds for one cell, on a machine that is busy
EXTREMES = ["as-cuda", "all-at-once"]

Cells = Mapping[tuple[str, str, str], Mapping[str, Any]]


def cells(report: Mapping[str, Any], device: str) -> Cells:
    """Return the cells of one device by function, dtype and check."""
    return {
        (cell["implementation"], cell["dtype"], cell["check"]): cell
        for cell in report["cells"]
        if cell["device"] == device
    }


def departures(report: Mapping[str, Any]) -> list[str]:
    """Return the cells that ran on the accelerator and say something else there than on the CPU."""
    there, here = cells(report, DEVICE), cells(report, "cpu")
    return [
        f"{key}: {_words(cell)}, on the CPU {_words(here[key])}"
        for key, cell in there.items()
        if cell["verdict"] != "skipped" and not _same(cell, here[key])
    ]


def _same(there: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    return all(there[name] == here[name] for name in ("verdict", "failure"))


def _words(cell: Mapping[str, Any]) -> str:
    return f"{cell['verdict']} {cell['failure'] or ''} {cell['message'] or ''}"


def ran(found: Iterable[Mapping[str, Any]]) -> int:
    """Return how many cells have run, right or wrong."""
    return sum(cell["verdict"] not in ("skipped", "unavailable") for cell in found)


@pytest.mark.slow
@pytest.mark.parametrize("mood", EXTREMES)
def test_compare_judges_libraries_and_own_functions_as_on_the_cpu(machine: Machine, mood: str) -> None:
    report = machine.json("compare", *OWN, *LIBRARIES, "--device", f"cpu,{DEVICE}", *SHORT, mood=mood)
    assert departures(report) == []
    there = cells(report, DEVICE).values()
    assert {cell["implementation"] for cell in there if cell["verdict"] == "agrees"} == {*OWN, *LIBRARIES}
    assert not any(cell["verdict"] == "disagrees" for cell in there)


@pytest.mark.slow
@pytest.mark.parametrize("mood", MOODS)
def test_compare_finds_the_same_mistakes(machine: Machine, mood: str) -> None:
    report = machine.json("compare", *WRONG, "native", "--device", f"cpu,{DEVICE}", *SHORT, mood=mood)
    assert departures(report) == []
    bad = {cell["implementation"] for cell in cells(report, DEVICE).values() if cell["verdict"] == "disagrees"}
    assert len(bad) == len(WRONG)


@pytest.mark.slow
@pytest.mark.parametrize("mood", EXTREMES)
def test_compare_full(machine: Machine, mood: str) -> None:
    asked = ["native", "timm-cat", "complex", "rotcheck", "torchtune"]
    report = machine.json(
        "compare", *asked, "--full", "--dtype", "float32,bfloat16", "--device", f"cpu,{DEVICE}", *SHORT, mood=mood
    )
    assert departures(report) == []


@pytest.mark.parametrize("mood", MOODS)
def test_probe_finds_the_device_and_runs_on_it(machine: Machine, mood: str) -> None:
    found = machine.json("probe", mood=mood)
    assert DEVICE in found["machine"]["devices"], found["machine"]


@pytest.mark.slow
@pytest.mark.parametrize("mood", MOODS)
def test_identify_says_of_a_file_what_it_says_on_the_cpu(machine: Machine, mood: str) -> None:
    here, there = (
        {one["specification"]: one for one in machine.json("identify", str(MODEL), "--device", device, mood=mood)}
        for device in ("cpu", DEVICE)
    )
    for name, one in here.items():
        assert there[name]["convention"] == one["convention"], name
        assert there[name]["follows"] == one["follows"], name
        assert [finding["code"] for finding in there[name]["findings"]] == [
            finding["code"] for finding in one["findings"]
        ], name
    assert sum(one["follows"] for one in here.values()) == 4
    assert len(here) == 6
