"""M-RoPE, RoPE2D and packed sequences are identified and judged;
what mixes up their axes disagrees."""

from pathlib import Path

import pytest
from comparing import Cells, cells

import rotcheck

IDENTIFIED = Path(__file__).parents[1] / "identify"
RIGHT = (
    "functions_multimodal.py:split_twice",
    "functions_multimodal.py:half_width",
    "functions_multimodal.py:dealt_in_turn",
    "functions_multimodal.py:RoPE2D",
    "functions_multimodal.py:of_a_film",
    "functions_multimodal.py:sections_of_its_own",
    "functions_packed_sequences.py:looked_up",
    "functions_packed_sequences.py:sequence_by_sequence",
    "functions_packed_sequences.py:row_by_row",
)
WRONG = {  # function: the check that catches it, and the failure that explains it
    "functions_multimodal.py:sections_over_lanes": ("forward", "R111"),
    "functions_multimodal.py:time_alone": ("forward", "R111"),
    "functions_multimodal.py:rows_twice": ("forward", "R114"),
    "functions_packed_sequences.py:one_row_late": ("positions", "R112"),
}


@pytest.fixture(scope="module")
def found() -> Cells:
    asked = [f"{IDENTIFIED}/{name}" for name in (*RIGHT, *WRONG)]
    return cells(
        rotcheck.compare(asked, devices=["cpu"], dtypes=["float32", "bfloat16"], timeout=60)
    )


def of(found: Cells, name: str) -> dict[str, str]:
    """Return the failures of a function by check, for float32."""
    own = {
        key[2]: cell
        for key, cell in found.items()
        if key[:2] == (name.partition(":")[2], "float32")
    }
    assert own
    return {check: str(cell.failure) for check, cell in own.items() if cell.verdict == "disagrees"}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_one_agrees(name: str, found: Cells) -> None:
    assert of(found, name) == {}
    narrow = [
        cell.verdict
        for key, cell in found.items()
        if key[:2] == (name.partition(":")[2], "bfloat16")
    ]
    assert set(narrow) <= {"agrees", "skipped"}


@pytest.mark.parametrize("name", WRONG)
def test_one_that_mixes_up_its_axes_disagrees(name: str, found: Cells) -> None:
    check, failure = WRONG[name]
    assert of(found, name)[check] == failure
