"""Functions of other forms than SEDD's, undeclared:
each is identified and trained in its own convention."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from training_runs import HERE

from rotcheck.identify.rotation_identification import NOTHING

CORPUS = HERE.parent / "identify"
ROTCHECK = [sys.executable, "-m", "rotcheck", "train", "--device", "cpu", "--format", "json"]
FILES = {
    "functions_half.py": [
        "batched_tables",  # q, k (B, H, S, D) with tables (1, S, D)
        "looked_up_by_positions",
        "backwards",
        "tokens_and_a_cache",  # no batch
        "writes_where_it_reads",
        "three_in_three_out",
        "packed_in_front",
        "packed_by_slices",  # SEDD's names with tables of half the width
        "no_batch",
    ],
    "functions_interleaved.py": ["two_complex", "two_by_two", "written_as_halves", "tokens_of_two"],
    "functions_own.py": [
        "two_at_positions",
        "from_an_offset",
        "counts_backwards",
        "tokens_at_positions",
    ],
}
HEALTHY = [f"{file}:{name}" for file, names in FILES.items() for name in names]
WRONG = {  # the check of `rotcheck compare` that explains it
    "functions_mistaken.py:key_backwards": "forward",
    "functions_mistaken.py:key_left_alone": "forward",
    "functions_mistaken.py:twice": "forward",
    "functions_mistaken.py:all_three": "inputs",
    "functions_mistaken.py:real_part_only": "forward",
    "other_forms.py:key_one_row_late": "forward",
    "other_forms.py:key_without_gradient": "backward",
}
NOT_TRAINED = {
    "functions_builders.py:doubled": "it makes tables and rotates nothing",
    "functions_own.py:counts_rows_of_heads": "it has frequencies of its own",
    "functions_own.py:FromSettings": "it rotates 64 lanes of a head, and the model's heads have 16 to rotate",
}

Courses = Mapping[str, Mapping[str, Any]]


def where(name: str) -> str:
    """Return what the command line calls a function."""
    folder = HERE if name.startswith("other_forms.py") else CORPUS
    return f"{folder}/{name}"


def trained(
    *names: str, more: tuple[str, ...] = (), cwd: Path | None = None
) -> tuple[int, Courses]:
    """Return the exit code of a run of the command, and its courses by name."""
    asked = [*ROTCHECK, *names, *more]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=240, cwd=cwd, check=False)
    assert done.stderr == ""
    return done.returncode, {
        each["implementation"]: each for each in json.loads(done.stdout)["courses"]
    }


@pytest.fixture(scope="module")
def healthy() -> tuple[int, Courses]:
    return trained(*map(where, HEALTHY), more=("--steps", "2"))


@pytest.fixture(scope="module")
def wrong() -> tuple[int, Courses]:
    return trained("native", *map(where, WRONG), more=("--steps", "5"))


@pytest.mark.parametrize("name", HEALTHY)
def test_a_right_function_of_another_form_agrees(name: str, healthy: tuple[int, Courses]) -> None:
    course = healthy[1][name]
    assert course["verdict"] == "agrees", course["message"]
    assert len(course["steps"]) == 2
    assert course["parts_at"] is None


def test_0_when_all_of_them_agree(healthy: tuple[int, Courses]) -> None:
    assert healthy[0] == 0


def test_how_it_is_called_is_told(healthy: tuple[int, Courses]) -> None:
    assert healthy[1]["functions_half.py:batched_tables"]["note"].startswith(
        "identified: it rotates in half pairing, called as f(q, k, cos, sin) with q and k (B, H, S, D), cos and sin ("
    )
    assert "half pairing by minus the angle" in healthy[1]["functions_half.py:backwards"]["note"]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_is_found_although_its_loss_falls(
    name: str, wrong: tuple[int, Courses]
) -> None:
    course = wrong[1][name]
    assert (wrong[0], course["verdict"], course["wrong_at"]) == (1, "disagrees", 1)
    assert course["steps"][-1]["loss"] < course["steps"][0]["loss"]


@pytest.mark.parametrize("name", WRONG)
def test_the_matrix_calls_it_as_the_training_did(name: str, wrong: tuple[int, Courses]) -> None:
    cells = {cell["check"]: cell["verdict"] for cell in wrong[1][name]["cells"]}
    assert cells[WRONG[name]] == "disagrees"
    assert set(cells.values()) == {"disagrees"}


def test_the_healthy_neighbour_is_untouched(wrong: tuple[int, Courses]) -> None:
    assert wrong[1]["native"]["verdict"] == "agrees"


def test_what_cannot_be_trained_says_why_and_is_no_success() -> None:
    code, found = trained(*map(where, NOT_TRAINED), more=("--steps", "1"))
    assert code == 5
    for name, said in NOT_TRAINED.items():
        assert found[name]["verdict"] == "skipped"
        assert found[name]["message"].startswith(said)


def test_one_that_wants_wide_heads_is_trained_in_a_model_that_has_them() -> None:
    own = ("functions_own.py:FromSettings", "functions_own.py:Cached")
    model = ("--model", f"{HERE}/models.py:heads_of_64", "--steps", "2")
    code, found = trained(*map(where, own), more=model)
    assert (code, [each["verdict"] for each in found.values()]) == (0, ["agrees", "agrees"])


def test_what_cannot_be_identified_is_not_trained_and_is_no_success() -> None:
    names = ("functions_without_rotation.py:raises", "functions_without_rotation.py:aborts")
    code, found = trained(*map(where, names), more=("--steps", "2"))
    first, second = (found[name] for name in names)
    assert (code, first["verdict"], second["verdict"]) == (1, "unidentified", "unidentified")
    assert (first["message"], first["cause"], first["steps"]) == (NOTHING, None, [])
    assert second["message"] == "the process was killed by SIGABRT while it was called"
    assert "@rotcheck.declare(" in first["fix"]


def test_what_raises_in_its_gradient_alone_is_looked_at_in_its_own_convention() -> None:
    code, found = trained(where("other_forms.py:raises_in_its_gradient"), more=("--steps", "1"))
    (course,) = found.values()
    assert (code, course["verdict"]) == (1, "raises")
    assert course["message"] == "step 1: NotImplementedError: no gradient yet"
    assert [cell["check"] for cell in course["cells"]] == ["backward"]


def test_a_librarys_function_of_another_form_agrees_or_says_why_it_has_no_gradient() -> None:
    right = ("transformers-llama", "transformers-nanochat", "timm", "megatron-core")
    code, found = trained(*right, "onnxruntime", more=("--steps", "1"))
    assert {name: found[name]["verdict"] for name in right} == dict.fromkeys(right, "agrees")
    assert (code, found["onnxruntime"]["verdict"]) == (0, "skipped")
    assert "outside of torch" in found["onnxruntime"]["message"]
