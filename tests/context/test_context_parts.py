"""The parts that can be held against plain figures:
TF32's grid, claims, the judge, the order of conditions."""

from pathlib import Path

import pytest
import torch
from torch import nn

import rotcheck.context.conditions
from rotcheck.context.angle_profile import FLOAT32_LOSS, RIGHT_PHASE, tolerance
from rotcheck.context.conditions import names
from rotcheck.context.length_claims import claim
from rotcheck.context.tf32 import TF32Emulation, has_tf32, round_to_tf32

CONDITIONS = Path(rotcheck.context.conditions.__file__).parent


def test_every_file_of_conditions_is_one_and_constructed_comes_first() -> None:
    files = {file.stem.replace("_", "-") for file in CONDITIONS.glob("[!_]*.py")}
    assert set(names()) == files
    assert names()[0] == "constructed"


def test_tf32_holds_integers_up_to_2048_and_every_second_one_behind() -> None:
    whole = torch.arange(8192, dtype=torch.float32)
    assert torch.equal(round_to_tf32(whole)[:2049], whole[:2049])
    assert len(round_to_tf32(whole)[:2050].unique()) == 2049
    assert len(round_to_tf32(torch.arange(1, 8193, dtype=torch.float32)).unique()) == 4096
    assert round_to_tf32(torch.tensor([2049.0, 2051.0, -2051.0])).tolist() == [
        2048.0,
        2052.0,
        -2052.0,
    ]


def test_what_is_no_float32_keeps_its_values() -> None:
    whole = torch.arange(4100, dtype=torch.float64)
    assert round_to_tf32(whole) is whole


def test_only_matrix_products_are_rounded() -> None:
    positions, one = torch.arange(3000, dtype=torch.float32), torch.ones(1)
    with TF32Emulation():
        assert not torch.equal((positions[:, None] @ one[None])[:, 0], positions)
        assert torch.equal(positions[:, None] * one, positions[:, None])
        assert torch.equal(torch.outer(positions, one)[:, 0], positions)
        assert torch.equal(torch.einsum("i,j->ij", positions, one)[:, 0], positions)
    assert torch.equal((positions[:, None] @ one[None])[:, 0], positions)


def test_real_tf32_is_found_by_multiplying() -> None:
    assert not has_tf32(torch.device("cpu"))
    with TF32Emulation():
        assert has_tf32(torch.device("cpu"))


def test_float32s_own_loss_is_allowed_and_no_more() -> None:
    assert tolerance(4096) == tolerance(65536) == RIGHT_PHASE
    assert RIGHT_PHASE < tolerance(131071) < 2e-2
    assert tolerance(1 << 20) == pytest.approx((1 << 20) * FLOAT32_LOSS)


class Claims(nn.Module):
    def __init__(self, **attributes: object) -> None:
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"max_position_embeddings": 4096}, (4096, "max_position_embeddings")),
        ({"max_seq_len": 2048, "max_seq_len_cached": 8192}, (8192, "max_seq_len_cached")),
        ({"_max_seq_len": 2048}, (2048, "_max_seq_len")),
        ({"max_len": True, "max_length": 3}, (None, None)),
        ({"cos_cached": torch.zeros(512, 64)}, (512, "the rows of cos_cached")),
        ({"freqs_cis": torch.zeros(1, 300, 1, 32)}, (300, "the rows of freqs_cis")),
        ({"inv_freq": torch.zeros(32)}, (None, None)),
        ({"weight": torch.zeros(512, 64), "seq_len_cached": 128}, (None, None)),
        ({"max_seq_len": 100, "cos": torch.zeros(512, 64)}, (100, "max_seq_len")),
    ],
    ids=lambda each: ", ".join(each) if isinstance(each, dict) else "",
)
def test_what_an_object_claims(
    attributes: dict[str, object], expected: tuple[int | None, str | None]
) -> None:
    assert claim(Claims(**attributes)) == expected


def test_a_function_claims_nothing() -> None:
    assert claim(None) == (None, None)
