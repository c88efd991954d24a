"""What is planted, and courses to look up."""

from collections.abc import Mapping
from pathlib import Path

from rotcheck.results import Course, Training

HERE = Path(__file__).parent
WRONG = [
    "sign_of_k",
    "wrong_pairing",
    "v_rotated",
    "k_one_position_late",
    "tables_in_bfloat16",
    "cos_and_sin_swapped",
    "not_at_all",
    "backward_not_inverse",
    "k_detached",
    "detached",
]
RIGHT = ["plain", "rounds_once", "in_float32", "half_by_half", "complex_numbers"]

Courses = Mapping[tuple[str, str], Course]
"""The courses by function or name, and dtype."""


def courses(found: Training) -> Courses:
    return {(each.implementation.rpartition(":")[2], each.dtype): each for each in found.courses}
