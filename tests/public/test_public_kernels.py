"""Triton kernels as they were reported wrong, beside what they became: small versions of our own, interpreted."""

from pathlib import Path

import pytest

from rotcheck.identify.run import identify_all
from rotcheck.results import Identification

HERE = Path(__file__).parent
KERNELS = {
    "width_not_masked": ("apply_rotary_inplace", "writes-outside", "heads of 24 lanes"),
    "sin_behind_padding": (
        "rope_forward_triton",
        "head-width",
        "lanes, and of others that are not a power of two",
    ),
    "single_row": (
        "fast_rope",
        "one-row",
        "with a single row, as in decoding: batch rows 1 to 2 come back unrotated",
    ),
    "heads_counted_on": ("apply_rope_inplace", "writes-outside", "writes outside of its tensor"),
    "first_batch_row": ("rotary_embed", "per-batch", "positions of one batch row for all rows"),
}


@pytest.fixture(scope="module")
def told() -> dict[str, Identification]:
    asked = [
        (f"{name}/{version}", f"{HERE / name / version}.py:{function}")
        for name, (function, *_) in KERNELS.items()
        for version in ("faulty", "fixed")
    ]
    found = identify_all(
        [specification for _, specification in asked], device="interpreter", timeout=120
    )
    return {name: one for (name, _), one in zip(asked, found, strict=True)}


@pytest.mark.parametrize("name", KERNELS)
def test_the_fault_of_a_kernel_is_named(name: str, told: dict[str, Identification]) -> None:
    _, code, words = KERNELS[name]
    found = {one.code: one.message for one in told[f"{name}/faulty"].findings if one.mistake}
    assert told[f"{name}/faulty"].answer == "wrong"
    assert words in found[code]


@pytest.mark.parametrize("name", KERNELS)
def test_the_mended_kernel_is_right(name: str, told: dict[str, Identification]) -> None:
    assert told[f"{name}/fixed"].answer == "right"
