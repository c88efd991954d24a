"""`rotcheck train` on an accelerator: the same verdicts and losses as on the CPU,
and a lost device costs one run."""

from pathlib import Path
from typing import Any

import pytest
from running import DEVICE, EXTREMES, HARSH, Machine

TRAIN = Path(__file__).parent.parent / "train"
ASKED = (
    "native",
    "rotcheck",
    "complex",
    "timm",
    f"{TRAIN}/right.py:plain",
    f"{TRAIN}/wrong.py:sign_of_k",
)
Courses = dict[str, dict[str, Any]]


def trained(machine: Machine, *arguments: str, mood: str = "as-cuda") -> Courses:
    found = machine.json("train", *arguments, "--steps", "2", mood=mood)
    assert not [each["message"] for each in found["references"] if each["message"]]
    return {course["implementation"].rpartition(":")[2]: course for course in found["courses"]}


@pytest.fixture(scope="module")
def here(machine: Machine) -> Courses:
    return trained(machine, *ASKED, "--device", "cpu")


@pytest.mark.parametrize("mood", EXTREMES)
def test_the_same_verdicts_and_losses_as_on_the_cpu(
    machine: Machine, here: Courses, mood: str
) -> None:
    there = trained(machine, *ASKED, "--device", DEVICE, mood=mood)
    assert {name: course["verdict"] for name, course in there.items()} == {
        **dict.fromkeys(("native", "rotcheck", "complex", "timm", "plain"), "agrees"),
        "sign_of_k": "disagrees",
    }
    for name, course in here.items():
        assert course["verdict"] == there[name]["verdict"]
        for ours, theirs in zip(course["steps"], there[name]["steps"], strict=True):
            assert theirs["loss"] == pytest.approx(ours["loss"], rel=1e-5)
            if course["verdict"] == "disagrees":
                assert theirs["gradient_error"] == pytest.approx(ours["gradient_error"], rel=1e-3)


def test_a_model_with_a_rotation_of_its_own(machine: Machine) -> None:
    model = f"{TRAIN}/models.py:own"
    courses = trained(machine, "--model", model, "--device", DEVICE, mood=HARSH)
    assert [course["verdict"] for course in courses.values()] == ["agrees"]


def test_a_lost_device_costs_one_run(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "past.py"
    file.write_text(
        "def past_the_end(qkv, cos, sin):\n"
        "    rows = cos.new_tensor(range(1, cos.shape[1] + 1)).long()\n"
        "    return qkv * cos[:, rows]\n"
    )
    courses = trained(machine, f"{file}:past_the_end", "native", "--device", DEVICE, mood="asserts")
    assert courses["past_the_end"]["verdict"] == "unidentified"
    assert "the device no longer responds" in courses["past_the_end"]["message"]
    assert courses["native"]["verdict"] == "agrees"
