"""How pairs lie in lanes, and each form of the tables."""

import pytest
import torch

from rotcheck.rotary import angles, lanes, pairs, tables

PAIRS = torch.arange(2 * 3 * 2).view(2, 3, 2)  # (..., P, 2), every element different
ANGLES = angles(torch.tensor([0, 1, 257, 4097]), 6)  # (S, P)
DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def test_half_keeps_the_first_elements_in_the_first_half() -> None:
    assert lanes(PAIRS, "half")[0].tolist() == [0, 2, 4, 1, 3, 5]


def test_interleaved_keeps_the_elements_of_a_pair_beside_each_other() -> None:
    assert lanes(PAIRS, "interleaved")[0].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("pairing", ["half", "interleaved"])
def test_reading_pairs_undoes_laying_them_out(pairing: str) -> None:
    assert torch.equal(pairs(lanes(PAIRS, pairing), pairing), PAIRS)
    flat = torch.arange(24).view(2, 12)
    assert torch.equal(lanes(pairs(flat, pairing), pairing), flat)


def test_the_two_pairings_differ() -> None:
    assert not torch.equal(lanes(PAIRS, "half"), lanes(PAIRS, "interleaved"))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_half_width_tables_are_the_float64_values_rounded_once(dtype: torch.dtype) -> None:
    cos, sin = tables("half-width", "half", ANGLES, dtype)
    assert torch.equal(cos, ANGLES.cos().to(dtype))
    assert torch.equal(sin, ANGLES.sin().to(dtype))


@pytest.mark.parametrize("pairing", ["half", "interleaved"])
def test_repeated_tables_hold_each_value_at_both_lanes_of_its_pair(pairing: str) -> None:
    for table, exact in zip(
        tables("repeated", pairing, ANGLES, torch.float32), (ANGLES.cos(), ANGLES.sin())
    ):
        assert table.shape == (4, 1, 6)
        both = pairs(table, pairing)  # (S, 1, P, 2)
        assert torch.equal(both[:, 0, :, 0], exact.float())
        assert torch.equal(both[:, 0, :, 1], exact.float())


def test_packed_tables_leave_v_alone_and_turn_q_and_k_alike() -> None:
    cos, sin = tables("packed", "half", ANGLES, torch.bfloat16)
    repeated = tables("repeated", "half", ANGLES, torch.bfloat16)
    assert cos.shape == sin.shape == (1, 4, 3, 1, 6)
    for slot in (0, 1):
        assert torch.equal(cos[0, :, slot], repeated[0])
        assert torch.equal(sin[0, :, slot], repeated[1])
    assert (cos[:, :, 2] == 1).all()
    assert (sin[:, :, 2] == 0).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_complex_tables_are_complex64_unless_float64_is_asked_for(dtype: torch.dtype) -> None:
    (table,) = tables("complex", "interleaved", ANGLES, dtype)
    wanted = torch.complex128 if dtype == torch.float64 else torch.complex64
    assert (table.shape, table.dtype) == ((4, 1, 3), wanted)
    assert torch.equal(table[:, 0], torch.complex(ANGLES.cos(), ANGLES.sin()).to(wanted))
