"""Every planted defect is found, in every shape and dtype, and called by its name."""

import pytest
from figures import Figures
from planted_cells import Planted
from trusting import DTYPES, declared, defects, module_of

import rotcheck
from rotcheck import diagnose
from rotcheck.compare.checks import names
from rotcheck.measure.judge import ROUNDING

DEFECTS = defects()
SILENT = (
    "N1",
    "N2",
    "N3",
    "N4",
    "N5",
    "N6",
    "N7",
    "N8",
    "N9",
    "N10",
    "N11",
    "N12",
    "N13",
    "N16",
    "N17",
    "N20",
)
"""Part N of the failures without a message.

N15 (M-RoPE) is asked of no function; N18 and N21 are figures: the longest context that
`rotcheck context` reports, and the thresholds that test_healthy.py holds.
"""
DETECTORS = (
    "interleaved instead",
    "conjugate (-sin)",
    "imaginary part dropped",
    "interleaved rotate + half tables",
    "constant offset +1",
    "bf16 positions",
    "TF32-like grid",
    "all positions 0",
    "rotated twice",
    "partial, theta/head_dim",
    "in-place aliasing",
    "garbage inv_freq",
    "wrong theta",
)
ECOSYSTEM = ("2.1", "2.2", "2.3", "2.6", "2.7", "2.8", "2.10", "2.11")
REAL = [
    name
    for name, thing in DEFECTS.items()
    if declared(thing)
    and {"float32", "bfloat16"} <= {*thing.plant.dtypes}
    and thing.plant.check not in names("full")
]
"""Those that the command must find as it runs by default."""


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found_and_named(name: str, planted: dict[str, Planted]) -> None:
    found = planted[name]
    assert found.cells
    assert (found.missed, found.misnamed) == ([], [])
    assert found.failure, f"no cause and fix is known for {found.code}"


def test_there_are_sixty_and_more() -> None:
    assert len(DEFECTS) >= 60
    assert len({thing.plant.code for thing in DEFECTS.values()}) >= 30


def test_several_shapes_and_dtypes_are_tried_of_each_that_declares_its_convention(
    planted: dict[str, Planted],
) -> None:
    few = [one.name for one in planted.values() if one.declares and one.cells < 3]
    assert few == []


@pytest.mark.parametrize("failure", SILENT)
def test_every_silent_failure_is_planted(failure: str) -> None:
    planted = [
        thing.plant.stands_for.replace(":", " ").replace(",", " ").replace(";", " ")
        for thing in DEFECTS.values()
    ]
    assert any(failure in words.replace("'s", " ").split() for words in planted)


@pytest.mark.parametrize("row", DETECTORS)
def test_every_row_of_the_detector_table_is_planted(row: str) -> None:
    assert any(f"detector: {row}" in thing.plant.stands_for for thing in DEFECTS.values())


@pytest.mark.parametrize("section", ECOSYSTEM)
def test_the_faults_of_published_libraries_are_planted(section: str) -> None:
    assert any(f"{section}" in thing.plant.stands_for for thing in DEFECTS.values())


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_wrong_lie_far_beyond_what_rounding_explains(dtype: str, figures: Figures) -> None:
    """Four times the threshold; the nearest is a factor of 1.125 in bfloat16,
    which is 16 steps and no more."""
    error, whose = figures.wrong(dtype)
    assert error > 4 * ROUNDING, whose


@pytest.mark.slow
def test_the_command_names_them_in_its_own_processes_too() -> None:
    """One of each failure, in the usual shape, in two dtypes, under the quick checks."""
    chosen = list({_failure(name): name for name in REAL}.values())
    asked = [f"{module_of(DEFECTS[name])}:{name}" for name in chosen]
    report = rotcheck.compare(asked, devices=["cpu"], dtypes=["float32", "bfloat16"], timeout=60)
    shown: dict[str, set[str | None]] = {name: set() for name in chosen}
    for cell in report.cells:
        shown[cell.implementation.rpartition(":")[2]].add(cell.failure)
    assert [name for name in chosen if _failure(name) not in shown[name]] == []


def _failure(name: str) -> str:
    known = diagnose.for_finding(DEFECTS[name].plant.code)
    return known.id if known else ""
