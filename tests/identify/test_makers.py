"""What is told of makers of tables: points, offsets, batch rows,
and frequencies that no schedule gives."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from identifying import told

from rotcheck.results import Identification

HERE = Path(__file__).parent
COORDINATES = {
    "OfPoints": (0,) * 12 + (1,) * 12,
    "OfPointsInAFilm": (0,) * 8 + (1,) * 8 + (2,) * 8,
    "OfPointsInBlocks": (0,) * 12 + (1,) * 12,
}
# whose angles are so large that float32 rounds them by more than 0.01 rad
DEALT = "OfSectionsDealtInTurn"
WRONG = {
    "forgets_its_offset": "offset-ignored",
    "FromOneTooFar": "offset-ignored",
    "KeepsTheFirstOffset": "offset-ignored",
    "kept_in_bfloat16": "low-precision",
    "OfTheFirstRow": "per-batch",
    "one_late_behind_a_cache": "offset",
}
IN_DOUBT = {
    "OfSectionsOneALittleSlow": "its frequencies follow no known schedule",
    "OfSectionsOfATableTooShort": "do not grow with the row",
    "NearlyPlain": "its frequencies follow no known schedule",
    "OfAnImageColumnByColumn": "laid out as (columns, rows)",
    "OfAnImageScaled": "follow the size of the image",
    "OfAnImageRounded": "along a row its frequencies follow no known schedule",
    "of_a_grid_without_columns": "the column of a square turns no pair",
    "of_a_grid_half_a_step_late": "along a row its frequencies follow no known schedule: they are theta",
    "turns_a_grid_half_a_step_late": "along a row its frequencies follow no known schedule: they are theta",
    "of_pixels_without_pi": "along a row its frequencies are linspace(1, 5)",
}
RIGHT = (
    *(
        "heeds_its_offset",
        "cached_from_an_offset",
        "cut_from_its_offset",
        "behind_a_cache",
        "WithABaseForXpos",
        "with_a_theta_of_its_own",
        "returned_in_bfloat16",
        "OfEachRow",
        DEALT,
    ),
    *("in_rows_of_cos_and_sin", "in_pairs_of_sin_and_cos", *COORDINATES),
)


@cache
def found(name: str) -> Identification:
    return told(f"functions_of_makers:{name}")


@pytest.mark.parametrize("name", RIGHT)
def test_a_healthy_maker_is_right(name: str) -> None:
    one = found(name)
    assert [finding.code for finding in one.findings if finding.mistake] == []
    assert one.answer == "right"
    assert one.longest_context is not None
    assert one.longest_context >= 4097


@pytest.mark.parametrize(
    ("name", "owners"), {"OfAnImage": (16, 16), "OfAFilm": (8, 12, 12)}.items()
)
def test_a_maker_for_an_image_is_right_along_each_side(name: str, owners: tuple[int, ...]) -> None:
    one = found(name)
    assert (one.answer, one.message) == ("right", None)
    assert one.convention
    assert one.convention.coordinates == tuple(
        side for side, pairs in enumerate(owners) for _ in range(pairs)
    )
    for side, pairs in enumerate(owners):
        theta = 10000.0 if name == "OfAnImage" else 256.0
        turned = [
            f
            for f, owner in zip(one.convention.frequencies, one.convention.coordinates)
            if owner == side
        ]
        assert turned == pytest.approx([theta ** (-pair / pairs) for pair in range(pairs)])


@pytest.mark.parametrize(
    ("name", "words"),
    {
        "of_a_grid": "theta=100",
        "turns_a_grid": "theta=100",
        "of_pixels": "linspace(1, 5) pi",
    }.items(),
)
def test_the_frequencies_of_a_grid_are_told_along_each_side(name: str, words: str) -> None:
    said = [one.says for one in found(name).evidence if one.field == "frequencies"]
    assert found(name).answer == "right"
    assert [words in one for one in said] == [True, True]


@pytest.mark.parametrize("name", IN_DOUBT)
def test_what_is_not_understood_is_told_why(name: str) -> None:
    assert found(name).answer == "unknown"
    assert IN_DOUBT[name] in (found(name).message or "")


def test_an_offset_beside_positions_is_not_tried() -> None:
    assert found("GivenPositionsAndAnOffset").answer == "right"
    assert "offset" in found("GivenPositionsAndAnOffset").untried


@pytest.mark.parametrize("name", WRONG)
def test_a_slip_is_named_and_shown(name: str) -> None:
    assert [finding.code for finding in found(name).findings if finding.mistake] == [WRONG[name]]


@pytest.mark.parametrize("name", WRONG)
def test_its_demonstration_runs_without_rotcheck(name: str) -> None:
    """It prints the same twice where other tables are right,
    or a first row that changes beside another."""
    code = next(one.demonstration for one in found(name).findings if one.mistake)
    assert code
    assert "rotcheck" not in code
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "tensor(" in done.stdout or "right [" in done.stdout


def test_points_of_as_many_coordinates_as_an_object_has_lanes_for_are_tried() -> None:
    convention = found("OfPointsWithTime").convention
    assert (found("OfPointsWithTime").answer, found("OfPointsWithTimeTwice").answer) == (
        "right",
        "unknown",
    )
    assert convention
    assert convention.coordinates == (0,) * 4 + (1,) * 4 + (2,) * 8 + (3,) * 8


@pytest.mark.parametrize("name", COORDINATES)
def test_which_pairs_turn_with_which_coordinate_is_told(name: str) -> None:
    convention = found(name).convention
    assert convention
    assert convention.coordinates == COORDINATES[name]
    assert convention.positions == "points"
    assert str(convention.schedule).startswith(
        f"Axial, for each of {max(COORDINATES[name]) + 1} coordinates Plain"
    )


def test_half_a_step_is_no_factor() -> None:
    one = found("half_a_step_late")
    assert one.answer == "unknown"
    assert "shifted by half a step" in (one.message or "")
    assert one.convention
    assert one.convention.schedule is None


def test_a_grid_counted_from_one_is_not_accused() -> None:
    one = found("CountedFromOneOverAGrid")
    assert one.answer == "unknown"
    assert [finding.code for finding in one.findings if finding.mistake] == []


def test_an_argument_that_was_not_tried_is_named() -> None:
    assert "dim" not in found("heeds_its_offset").untried
    assert "offset" not in found("heeds_its_offset").untried


def test_layers_of_the_other_kind_are_asked_for_too() -> None:
    one = found("OfTwoKindsOfLayers")
    assert one.call == "f(x, positions, 'sliding_attention')"
    assert one.untried == ()
    assert "Plain(theta=1000000.0) with layer_type='full_attention'" in [
        each.says for each in one.evidence
    ]


def test_an_amplitude_that_the_configuration_asks_for_is_right() -> None:
    assert found("YarnAsDeepSeekHasIt").answer == "right"
    assert found("YarnWithoutItsAmplitude").answer == "unknown"
    assert "asks for cos and sin scaled by 0.1 ln 16 + 1 = 1.277; they are scaled by 1 " in (
        found("YarnWithoutItsAmplitude").message or ""
    )


def test_a_rotation_that_is_scaled_as_yarn_asks_is_no_mistake() -> None:
    one = found("rotates_as_yarn")
    assert [finding.code for finding in one.findings] == ["amplitude"]
    assert one.answer == "unknown"
    assert one.convention
    assert one.convention.amplitude == pytest.approx(1.27726, abs=1e-4)
