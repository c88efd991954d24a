"""What identify finds on an accelerator: the same as on the CPU,
and no mistake where a device only refuses."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from running import DEVICE, EXTREMES, HARSH, Machine

HERE = Path(__file__).parent
MODULES = HERE / "modules.py"
RIGHT = (
    "Llama",
    "FromNumbers",
    "Chunked",
    "looked_up",
    "Complex",
    "Indexed",
    "Counting",
    "Plain",
    "Turning.rotate",
)
WRONG = {
    "Clamped": "row-past-table",
    "OneRowOff": "offset",
    "Inverse.rotate": "one-sign",
    "Narrow.rotate": "phase",
}
EVERY = (*RIGHT, *WRONG, "LeftBehind")
HOW = (
    "pairing",
    "direction",
    "layout",
    "tables",
    "table_lanes",
    "positions",
    "rotary_dim",
    "theta",
    "schedule",
)


@pytest.fixture(scope="module")
def found(machine: Machine) -> Any:
    @cache
    def ask(device: str, mood: str) -> dict[str, dict[str, Any]]:
        names = [f"{MODULES}:{name}" for name in EVERY]
        options = ("--device", device, "--timeout", "200")
        told = machine.json("identify", *names, *options, mood=mood)["identifications"]
        return {one["specification"].rpartition(":")[2]: one for one in told}

    return ask


@pytest.mark.parametrize("mood", EXTREMES)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_module_is_right_there_and_understood_in_the_same_way(
    found: Any, name: str, mood: str
) -> None:
    there, here = found(DEVICE, mood)[name], found("cpu", "as-cuda")[name]
    assert there["follows"], there
    assert here["follows"], here
    assert {field: there["convention"].get(field) for field in HOW} == {
        field: here["convention"].get(field) for field in HOW
    }
    assert there["longest_context"] == here["longest_context"]


@pytest.mark.parametrize("mood", EXTREMES)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_module_is_wrong_there_for_the_same_reason(
    found: Any, name: str, mood: str
) -> None:
    there, here = found(DEVICE, mood)[name], found("cpu", "as-cuda")[name]
    assert [one["code"] for one in there["findings"]] == [WRONG[name]]
    assert [one["message"] for one in there["findings"]] == [
        one["message"] for one in here["findings"]
    ]


def test_a_module_is_called_with_the_device_that_it_lives_on(found: Any) -> None:
    assert found(DEVICE, HARSH)["FromNumbers"]["call"] == f"f(S, {DEVICE})"
    assert found("cpu", "as-cuda")["FromNumbers"]["call"] == "f(S, cpu)"


def test_a_class_that_cannot_be_moved_is_built_where_it_is_asked(found: Any) -> None:
    assert found(DEVICE, HARSH)["Plain"]["built"] == f"Plain(device={DEVICE})"
    assert found("cpu", "as-cuda")["Plain"]["built"] == "Plain()"


@pytest.mark.parametrize("mood", EXTREMES)
def test_what_only_the_device_refuses_is_no_mistake(found: Any, mood: str) -> None:
    there = found(DEVICE, mood)["LeftBehind"]
    assert found("cpu", "as-cuda")["LeftBehind"]["follows"]
    assert not there["follows"]
    assert not there.get("findings")
    assert there["message"].startswith(
        f"rotates on cpu, and on {DEVICE} f(x, positions) raises RuntimeError"
    )
    assert "Expected all tensors to be on the same device" in there["message"]


@pytest.mark.parametrize("file", ["builders", "own", "packed_sequences", "mistaken"])
def test_the_corpus_is_understood_there(machine: Machine, file: str) -> None:
    """Those of its classes that keep or make tables on the CPU are refused by the device,
    and not accused."""
    command = [sys.executable, str(HERE / "corpus.py"), f"functions_{file}"]
    output = subprocess.check_output(command, env=machine.environment(HARSH), text=True)
    every: dict[str, dict[str, Any]] = json.loads(output)
    others = {name: one for name, one in every.items() if one["departures"]}
    others.pop("on_cuda_by_default", None)  # the call that is expected names the device
    for name, one in others.items():
        assert "Expected all tensors to be on the same device" in one["message"], (name, one)
        assert one["findings"] == [], name
    assert len(others) <= len(every) * 0.3


@pytest.fixture(scope="module")
def harmful(machine: Machine) -> dict[str, dict[str, Any]]:
    names = ("only_there", "never_right")
    asked = [f"{HERE / 'harmful.py'}:{name}" for name in names]
    told = machine.json("identify", *asked, "--device", DEVICE, "--timeout", "200", mood=HARSH)
    return dict(zip(names, told["identifications"], strict=True))


def test_a_device_that_is_lost_ends_the_search_and_accuses_nobody(
    harmful: dict[str, dict[str, Any]],
) -> None:
    lost = harmful["never_right"]
    assert "no longer responds" in lost["message"]
    assert not lost["follows"]
    assert not lost.get("findings")


def test_what_runs_on_the_device_only_is_not_asked_where_its_table_ends(
    harmful: dict[str, dict[str, Any]],
) -> None:
    found = harmful["only_there"]
    assert found["follows"], found
    said = [one["says"] for one in found["evidence"] if one["field"] == "context"]
    assert "asked for positions up to 100 only" in said


def test_a_flag_that_ends_the_device_leaves_the_others_a_fresh_process(
    harmful: dict[str, dict[str, Any]],
) -> None:
    flags = {one["flag"]: one for one in harmful["only_there"]["flags"]}
    assert "no longer responds" in flags["beyond=True"]["message"]
    assert flags["opposite=True"]["follows"], flags
    assert flags["opposite=True"]["convention"]["direction"] == -1
