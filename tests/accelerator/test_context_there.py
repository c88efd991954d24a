"""`rotcheck context` on an accelerator: what is right on the CPU is right there,
and what is wrong wrong by as much."""

import math
from pathlib import Path
from typing import Any

import pytest
from running import DEVICE, EXTREMES, HARSH, Machine

HERE = Path(__file__).parent
MAKERS = [f"{HERE}/makers.py:{name}" for name in ("Rotary", "Complex", "Rows")]
MODEL = f"{HERE}/rotary_model.py:Rotary"
PLANTED = [
    f"{HERE.parent}/context/planted.py:{name}"
    for name in (
        "Growing", "LlamaRotaryEmbedding", "ComplexBuffer", "Product", "PositionsInDtype", "CachedByLength", "Clamped",
        "Short", "seven_hundred", "Guarded",
    )
]  # fmt: skip
LIBRARIES = [
    "transformers.models.llama.modeling_llama:LlamaRotaryEmbedding",
    "torchtune.modules:RotaryPositionalEmbeddings",
]
SOME = ("--condition", "half,autocast,grown,beyond")
ALIKE = ("verdict", "finding", "failure", "emulated", "made")
FIRST_WRONG = (
    "right_to",
    "wrong_at",
)  # what agrees is asked as far as time allows, which is another each time
Rows = dict[tuple[str, str], dict[str, Any]]


def tried(machine: Machine, *arguments: str, mood: str = "as-cuda") -> Rows:
    found = machine.json("context", *arguments, mood=mood)
    made = {
        maker["implementation"]: [maker[name] for name in ("kind", "schedule", "claims")]
        for maker in found["makers"]
    }
    return {
        (row["implementation"].rpartition(":")[2], row["condition"]): row
        | {"made": made[row["implementation"]]}
        for row in found["rows"]
    }


def errors(row: dict[str, Any]) -> dict[int, float]:
    return {
        each["position"]: math.inf if each["error"] is None else each["error"]
        for each in row["phases"]
    }


def assert_same(there: Rows, here: Rows) -> None:
    assert there.keys() == here.keys()
    for key, row in here.items():
        alike = ALIKE if row["verdict"] == "agrees" else (*ALIKE, *FIRST_WRONG)
        found = {name: there[key][name] for name in alike}
        assert found == {name: row[name] for name in alike}, (key, there[key]["message"])
        theirs, ours = errors(there[key]), errors(row)
        assert bool(theirs) == bool(ours), key
        for position in theirs.keys() & ours.keys():
            assert theirs[position] == pytest.approx(ours[position], rel=1e-3, abs=1e-6), (
                key,
                position,
            )


@pytest.fixture(scope="module")
def makers(machine: Machine) -> Rows:
    return tried(machine, *MAKERS, *SOME)


@pytest.mark.parametrize("mood", EXTREMES)
def test_what_is_right_on_the_cpu_is_right_there(machine: Machine, makers: Rows, mood: str) -> None:
    assert {makers[name, "constructed"]["verdict"] for name in ("Rotary", "Complex", "Rows")} == {
        "agrees"
    }
    there = tried(machine, *MAKERS, *SOME, "--device", DEVICE, mood=mood)
    assert_same(there, makers)
    # an index past the end ends a device, and costs the CPU an exception
    beyond = there["Rows", "beyond"]
    assert (beyond["device"], "raises IndexError" in beyond["note"]) == ("cpu", True)


def test_what_is_planted_is_found_there_and_nothing_else(machine: Machine) -> None:
    here = tried(machine, *PLANTED, MODEL)
    assert {here["Rotary", name]["verdict"] for name in ("constructed", "autocast", "grown")} == {
        "agrees"
    }
    assert {row["verdict"] for row in here.values()} == {"agrees", "disagrees", "raises", "skipped"}
    assert_same(tried(machine, *PLANTED, MODEL, "--device", DEVICE, mood=HARSH), here)


def test_library_classes_are_what_they_are_on_the_cpu(machine: Machine) -> None:
    asked = (*LIBRARIES, "--condition", "bfloat16,beyond")
    here = tried(machine, *asked)
    assert_same(tried(machine, *asked, "--device", DEVICE, mood=HARSH), here)


def test_the_device_is_named_where_it_is_handed_over(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "told.py"
    file.write_text(
        "import torch\n\n"
        "def rotary_tables(seq_len, device):\n"
        "    angles = torch.outer(torch.arange(seq_len, device=device).float(),\n"
        "                         10000.0 ** (-torch.arange(0, 64, 2, device=device).float() / 64))\n"
        "    return angles.cos(), angles.sin()\n"
    )
    found = machine.json(
        "context", f"{file}:rotary_tables", "--condition", "grown", "--device", DEVICE
    )
    assert found["makers"][0]["call"] == f"f(S, {DEVICE})"
    assert [row["verdict"] for row in found["rows"]] == ["agrees", "agrees"]


def test_without_a_cpu_that_runs_it_no_end_is_looked_for(machine: Machine) -> None:
    rows = tried(machine, f"{HERE}/makers.py:NotOnTheCpu", "--device", DEVICE, mood="asserts")
    assert rows["NotOnTheCpu", "constructed"]["verdict"] == "agrees"
    assert rows["NotOnTheCpu", "constructed"]["asked_to"] == 511
    beyond = rows["NotOnTheCpu", "beyond"]
    assert (beyond["verdict"], "it was not understood on cpu" in beyond["message"]) == (
        "skipped",
        True,
    )


def test_a_table_shorter_than_it_claims_ends_the_device_and_costs_its_own_rows(
    machine: Machine,
) -> None:
    asked = [f"{HERE}/makers.py:{name}" for name in ("ShorterThanItClaims", "Rows")]
    rows = tried(machine, *asked, "--condition", "half", "--device", DEVICE, mood="asserts")
    assert rows["ShorterThanItClaims", "constructed"]["verdict"] == "raises"
    assert "the device no longer responds" in rows["ShorterThanItClaims", "constructed"]["message"]
    assert rows["Rows", "constructed"]["verdict"] == "agrees"


def test_a_condition_that_ends_the_device_spoils_none_that_shares_its_process(
    machine: Machine,
) -> None:
    name = f"{HERE}/slow_makers.py:DiesInHalf"
    rows = tried(machine, name, *SOME, "--device", DEVICE, mood="asserts")
    verdicts = {condition: row["verdict"] for (_, condition), row in rows.items()}
    assert verdicts == {
        "constructed": "agrees", "half": "raises", "autocast": "agrees", "grown": "agrees", "beyond": "agrees",
    }  # fmt: skip


NO_ANGLES = """
import torch


def apply_rotary(x, cos, sin, position_ids):
    cos, sin = cos[position_ids][:, :, None], sin[position_ids][:, :, None]
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


def apply_to_nothing(x, cos, sin, position_ids):
    return x * cos[position_ids + 900].sum()
"""


def test_what_makes_no_angles_accuses_nobody_there_either(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "none.py"
    file.write_text(NO_ANGLES)
    asked = [f"{file}:apply_rotary", f"{file}:apply_to_nothing", "--condition", "half"]
    here = tried(machine, *asked)
    there = tried(machine, *asked, "--device", DEVICE, mood="asserts")
    assert {row["verdict"] for row in here.values()} == {"skipped"}
    assert_same(there, here)
    assert there["apply_rotary", "half"]["message"] == here["apply_rotary", "half"]["message"]
    assert f"one of them ended {DEVICE}" in there["apply_to_nothing", "half"]["message"]
