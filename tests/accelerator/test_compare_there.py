"""What compare says of an accelerator's cells:
what it says of the CPU's, and no index past an end to ask for it."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from running import DEVICE, HARSH, Machine

MODULES = Path(__file__).with_name("modules.py")
RIGHT = ("Complex", "Indexed", "Counting", "Plain", "Turning.rotate")
WRONG = ("Clamped", "OneRowOff", "Narrow.rotate")
LIBRARIES = (
    "torchtune",
    "torchtune-phi3",
    "torchtune-qwen2",
    "torch-onnx",
)  # the others: test_commands_there.py
LOOKS_UP = (*LIBRARIES, "Indexed", "Plain")
CHECKS = ("forward", "backward", "inputs", "strides", "offset", "positions", "beyond")
Cells = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def cells(machine: Machine) -> Any:
    @cache
    def ask(device: str, mood: str) -> Cells:
        names = [f"{MODULES}:{name}" for name in (*RIGHT, *WRONG)]
        checks = [word for check in CHECKS for word in ("--check", check)]
        options = ("--device", device, "--dtype", "float32", "--timeout", "200", *checks)
        report = machine.json("compare", *names, *LIBRARIES, *options, mood=mood)
        return {
            (one["implementation"].rpartition(":")[2], one["check"]): one for one in report["cells"]
        }

    return ask


def test_each_cell_is_what_it_is_on_the_cpu(cells: Any) -> None:
    there, here = cells(DEVICE, HARSH), cells("cpu", "as-cuda")
    assert there.keys() == here.keys()
    for place, cell in there.items():
        asked = not (place[1] == "beyond" and cell["verdict"] == "skipped")
        if asked and here[place]["verdict"] != "unavailable":
            assert (cell["verdict"], cell["message"]) == (
                here[place]["verdict"],
                here[place]["message"],
            ), place


def test_no_table_is_looked_up_past_its_end_there(cells: Any) -> None:
    for name in LOOKS_UP:
        cell = cells(DEVICE, HARSH)[name, "beyond"]
        assert cell["verdict"] == "skipped", name
        assert "asked on cpu" in cell["message"]
        assert cells("cpu", "as-cuda")[name, "beyond"]["verdict"] in ("agrees", "disagrees")


def test_a_mistake_is_found_there(cells: Any) -> None:
    there = cells(DEVICE, HARSH)
    assert there["OneRowOff", "forward"]["verdict"] == "disagrees"
    assert there["Narrow.rotate", "forward"]["verdict"] == "disagrees"
