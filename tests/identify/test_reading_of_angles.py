"""Matrices made by hand from angles, as a function gives them that computes its angles itself."""

import pytest
import torch
from torch import Tensor

from rotcheck.identify.reading.computed_angles import read_computed_angles
from rotcheck.identify.reading.mistake_matrices import matrices
from rotcheck.measure.pair_changes import turn
from rotcheck.rotary.frequencies import inverse_frequencies

WIDTH, ROWS = 16, 5
ANGLES = torch.arange(ROWS, dtype=torch.float64)[:, None] * inverse_frequencies(WIDTH)  # (S, P)


def matrix(pairing: str, angles: Tensor = ANGLES) -> Tensor:
    """The matrices (S, D, D) of a rotation by angles (S, P)."""
    full = angles.repeat(1, 2) if pairing == "half" else angles.repeat_interleave(2, -1)
    return matrices(turn, full.cos(), full.sin(), pairing)  # type: ignore[arg-type]


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("pairing", ["half", "interleaved"])
def test_a_rotation_tells_its_pairing_direction_and_angles(pairing: str, direction: int) -> None:
    reading = read_computed_angles(matrix(pairing, direction * ANGLES))
    assert (reading.problem, reading.pairing, reading.direction) == ("", pairing, direction)
    assert reading.angles is not None
    off = torch.remainder(reading.angles - direction * ANGLES + torch.pi, 2 * torch.pi) - torch.pi
    assert float(off.abs().max()) < 1e-9


def test_lanes_that_are_written_in_another_order_are_seen_at_position_0() -> None:
    order = torch.cat((torch.arange(0, WIDTH, 2), torch.arange(1, WIDTH, 2)))
    reading = read_computed_angles(matrix("interleaved")[:, order])
    assert (reading.problem, reading.pairing) == ("", "interleaved")
    assert reading.output_lanes == "de-interleaved"


def test_a_partial_rotation_leaves_the_lanes_behind_it() -> None:
    result = torch.eye(WIDTH, dtype=torch.float64).repeat(ROWS, 1, 1)
    result[:, :8, :8] = matrix("half", ANGLES[:, ::2])
    reading = read_computed_angles(result)
    assert (reading.problem, reading.pairing, reading.rotary_dim) == ("", "half", 8)


def test_a_pair_that_stands_still_between_others_is_a_pair() -> None:
    angles = ANGLES.clone()
    angles[:, 3] = 0.0
    reading = read_computed_angles(matrix("half", angles))
    assert (reading.problem, reading.rotary_dim) == ("", WIDTH)


def test_an_amplitude_is_read() -> None:
    reading = read_computed_angles(1.25 * matrix("half"))
    assert reading.amplitude == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("growth", "problem"),
    [
        (torch.linspace(1.001, 1.02, WIDTH // 2, dtype=torch.float64), "xpos"),
        (torch.full((WIDTH // 2,), 1.02, dtype=torch.float64), "scaled"),
    ],
)
def test_lengths_that_grow_with_the_row_are_named(growth: Tensor, problem: str) -> None:
    rows = torch.arange(ROWS, dtype=torch.float64)[:, None]
    lengths = (growth**rows).repeat(1, 2)  # (S, D)
    assert read_computed_angles(matrix("half") * lengths[..., None]).problem == problem


def test_rounded_tables_are_named() -> None:
    rounded = matrix("half").to(torch.bfloat16).double()
    assert read_computed_angles(rounded).problem == "low-precision"


def test_what_is_no_rotation_is_named() -> None:
    eye = torch.eye(WIDTH, dtype=torch.float64).repeat(ROWS, 1, 1)
    assert read_computed_angles(eye).problem == "not-rotated"
    assert read_computed_angles(torch.full_like(eye, torch.nan)).problem == "not-finite"
    cos_alone = torch.diag_embed(ANGLES.cos().repeat(1, 2))
    assert read_computed_angles(cos_alone).problem == "imaginary-dropped"
    apart = matrix("half")
    apart[:, WIDTH // 2 :] = matrix("half", 2 * ANGLES)[:, WIDTH // 2 :]
    assert read_computed_angles(apart).problem == "pairing-of-tables"
    both_signs = matrix("half")
    both_signs[:, torch.arange(8), torch.arange(8) + 8] *= -1
    assert read_computed_angles(both_signs).problem == "one-sign"
