"""The pretend accelerator is what its page says, in each of its moods."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from running import MOODS, Machine

EVERY_OTHER = [[0.0, 2.0, 4.0], [6.0, 8.0, 10.0], [12.0, 14.0, 16.0], [18.0, 20.0, 22.0]]


@pytest.fixture(scope="module")
def answers(machine: Machine) -> Any:
    @cache
    def ask(mood: str) -> dict[str, list[Any]]:
        script = Path(__file__).with_name("device.py")
        output = subprocess.check_output(
            [sys.executable, script], env=machine.environment(mood), text=True
        )
        found: dict[str, list[Any]] = json.loads(output)
        return found

    return ask


@pytest.mark.parametrize("mood", MOODS)
def test_tensors_of_two_devices_do_not_mix(answers: Any, mood: str) -> None:
    for name in ("mixed", "embedded_from_the_cpu"):
        kind, message = answers(mood)[name]
        assert kind == "RuntimeError"
        assert "Expected all tensors to be on the same device" in message


@pytest.mark.parametrize("mood", MOODS)
def test_what_accelerators_can_do_it_can(answers: Any, mood: str) -> None:
    found = answers(mood)
    assert found["mixed_with_a_number"] == [None, 552.0]
    assert found["indexed_from_the_cpu"] == [None, [[18.0, 19.0, 20.0, 21.0, 22.0, 23.0]]]
    assert found["contiguous"] == [None, EVERY_OTHER]
    assert found["gradient"] == [None, True]
    assert found["autocast"] == [None, "torch.bfloat16"]
    assert found["conjugate"] == [None, -3.0]


@pytest.mark.parametrize("mood", MOODS)
def test_float64_is_there_but_where_it_is_switched_off(answers: Any, mood: str) -> None:
    kind, value = answers(mood)["float64"]
    assert (
        (kind, value) == (None, 276.0)
        if mood not in ("no-float64", "all-at-once")
        else kind == "TypeError"
    )


@pytest.mark.parametrize("mood", MOODS)
def test_an_index_past_the_end_raises_or_ends_the_device(answers: Any, mood: str) -> None:
    found = answers(mood)
    if mood not in ("asserts", "all-at-once"):
        assert found["past_the_end"][0] == "IndexError"
        assert found["afterwards"] == [None, 276.0]
        assert found["waited_for"] == [None, "answers"]
        return
    assert found["past_the_end"] == [None, [1, 6]]
    for name in ("afterwards", "waited_for"):
        assert found[name][0] == "AcceleratorError"
        assert "device-side assert" in found[name][1]


@pytest.mark.parametrize("mood", MOODS)
def test_strided_views_come_back_wrong_where_that_is_switched_on(answers: Any, mood: str) -> None:
    wrong = mood in ("strided-copies", "all-at-once")
    as_it_lies = [[float(3 * row + column) for column in range(3)] for row in range(4)]
    assert answers(mood)["strided"] == [None, as_it_lies if wrong else EVERY_OTHER]
