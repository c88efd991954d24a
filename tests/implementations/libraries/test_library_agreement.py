"""The installed libraries rotate right, under every quick check, in every dtype that they have."""

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any

import msgspec
import pytest
from expected import ELSEWHERE, INTERPRETED, ON_CPU

import rotcheck
from rotcheck.compare.checks import names
from rotcheck.compare.worker import open_implementation
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.judge import judge
from rotcheck.results import Cell, Report

DTYPES = ("float32", "bfloat16", "float16", "float64")
EIGHT = (
    *("diffusers", "fair-esm", "onnxruntime", "rotary-embedding-torch", "timm"),
    *("torch-onnx", "torchtune", "transformers-llama"),
)
"""A function of each of these libraries is compared as users do it, the others in this process."""

NO_GRADIENT = {"mlx", "mlx-traditional", "onnx-reference", "onnxruntime", "onnxruntime-contrib"} | {
    "torch-onnx",
    "torch-onnx-interleaved",
}
REFUSED = {
    "mlx": ("float64",),
    "mlx-traditional": ("float64",),
    "onnx-reference": ("float64",),
    "onnxruntime": ("bfloat16", "float64"),
    "onnxruntime-contrib": ("bfloat16", "float64"),
}
"""The dtypes that they have no kernel for."""

ANY_POSITION = {"mlx", "mlx-traditional", "transformers-qwen2-vl"}
"""They compute the angles of any position: there is no table to go beyond."""


def may_be_skipped(name: str, dtype: str, check: str) -> bool:
    return (
        dtype in REFUSED.get(name, ())
        or (check == "backward" and name in NO_GRADIENT)
        or (check == "beyond" and name in ANY_POSITION)
    )


def wrong(name: str, dtype: str, check: str, evidence: Evidence) -> str | None:
    """Return what is not as it should be."""
    verdict = judge(evidence)
    expected = "skipped" if may_be_skipped(name, dtype, check) else "agrees"
    if verdict == expected and (verdict == "agrees" or evidence.message):
        return None
    return f"{name} {dtype} {check}: {verdict} {evidence.message or evidence.error}"


@pytest.mark.parametrize("name", [name for name in ON_CPU if name not in EIGHT])
def test_a_librarys_function_agrees_with_float64(name: str) -> None:
    answer = open_implementation({"implementation": name, "device": "cpu", "outputs": False})
    found = [
        wrong(name, dtype, check, msgspec.convert(answer([dtype, check]), Evidence))
        for dtype in DTYPES
        for check in names("quick")
    ]

    assert [words for words in found if words] == []


@pytest.fixture(scope="module")
def eight() -> dict[str, Any]:
    names = (*EIGHT, *ELSEWHERE)
    command = [
        sys.executable,
        "-m",
        "rotcheck",
        "compare",
        *names,
        "--device",
        "cpu",
        "--format",
        "json",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=_with_one_thread()
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_eight_libraries_agree_in_one_comparison(eight: dict[str, Any]) -> None:
    cells = [
        msgspec.convert(cell, Cell) for cell in eight["cells"] if cell["implementation"] in EIGHT
    ]

    assert {cell.implementation for cell in cells} == set(EIGHT)
    assert len(cells) == len(EIGHT) * len(DTYPES) * len(names("quick"))
    for cell in cells:
        skipped = may_be_skipped(cell.implementation, cell.dtype, cell.check)
        assert cell.verdict == ("skipped" if skipped else "agrees"), cell


def test_no_implementation_of_a_library_takes_another_path_than_its_own(
    eight: dict[str, Any],
) -> None:
    ran = [cell for cell in eight["cells"] if cell["verdict"] == "agrees"]
    assert all(cell["path"] == cell["implementation"] for cell in ran)


def test_kernels_for_the_gpu_are_told_to_be_unavailable_and_how_to_get_them(
    eight: dict[str, Any],
) -> None:
    cells = [cell for cell in eight["cells"] if cell["implementation"] in ELSEWHERE]

    assert {(cell["implementation"], cell["verdict"]) for cell in cells} == {
        (name, "unavailable") for name in ELSEWHERE
    }
    assert all(" is not installed (`pip install " in cell["message"] for cell in cells)


@pytest.fixture(scope="module")
def interpreted() -> Report:
    checks = ["forward", "backward", "beyond"]
    return rotcheck.compare(
        INTERPRETED,
        devices=["interpreter"],
        dtypes=["float32", "bfloat16"],
        checks=checks,
        timeout=60.0,
    )


@pytest.mark.parametrize("name", [name for name in INTERPRETED if name != "liger"])
def test_a_triton_kernel_agrees_under_the_interpreter(name: str, interpreted: Report) -> None:
    cells = [cell for cell in interpreted.cells if cell.implementation == name]

    assert Counter(cell.verdict for cell in cells) == {"agrees": 3, "skipped": 3}
    assert all(
        "truncates bfloat16" in str(cell.message) for cell in cells if cell.dtype == "bfloat16"
    )
    assert all(cell.stand_in for cell in cells)


def test_liger_agrees_and_reads_past_the_end_of_its_tables(interpreted: Report) -> None:
    """Its kernel asks nothing of the length of cos and sin:
    a finding about it, and the only one."""
    cells = [
        cell
        for cell in interpreted.cells
        if cell.implementation == "liger" and cell.dtype == "float32"
    ]

    assert {cell.check: cell.verdict for cell in cells if cell.check != "beyond"} == dict.fromkeys(
        ("forward", "backward"), "agrees"
    )
    [beyond] = [cell for cell in cells if cell.check == "beyond"]
    assert beyond.verdict == "disagrees"
    assert str(beyond.message).startswith("does not raise for 9 rows with tables of 7 rows")


def _with_one_thread() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}
