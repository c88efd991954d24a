"""A mistake is named in every layout, not only in the one that strangers' functions have."""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from rotcheck.measure.case import Case
from rotcheck.measure.hypotheses import explain
from rotcheck.rotary import Convention, angles, lanes, pairs, rotate

LAYOUTS = {
    "interleaved": Convention(pairing="interleaved", layout="bshd", tables="repeated"),
    "complex": Convention(pairing="interleaved", layout="bshd", tables="complex"),
    "half": Convention(pairing="half", layout="bshd", tables="half-width"),
}
OTHER = {"interleaved": "half", "half": "interleaved"}


def pairing(case: Case) -> Tensor:
    """Turn the lanes that the other pairing would."""
    other = OTHER[case.convention.pairing]
    x = lanes(case.pairs, case.convention.pairing)
    return pairs(lanes(rotate(pairs(x, other), case.angles), other), case.convention.pairing)


def written_in_the_other_order(case: Case) -> Tensor:
    return pairs(lanes(case.truth, OTHER[case.convention.pairing]), case.convention.pairing)


MISTAKES = {
    "not-rotated": lambda case: case.pairs,
    "direction": lambda case: rotate(case.pairs, -case.angles),
    "rotated-twice": lambda case: rotate(case.truth, case.angles),
    "shifted": lambda case: rotate(case.pairs, case.angles.roll(1, 0)),
    "tables-swapped": lambda case: rotate(case.pairs, torch.pi / 2 - case.angles),
    "imaginary-dropped": lambda case: case.pairs * case.angles.cos()[None, :, None, :, None],
    "pairing": pairing,
    "lanes": written_in_the_other_order,
    "rounding": lambda case: rotate(case.pairs, angles(torch.arange(len(case.angles)), 64)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("code", MISTAKES)
def test_a_mistake_is_named_in_every_layout(code: str, layout: str, dtype: torch.dtype) -> None:
    case = Case(SimpleNamespace(convention=LAYOUTS[layout], device=torch.device("cpu")), dtype)
    result = lanes(MISTAKES[code](case), case.convention.pairing).to(dtype)
    assert explain(case, result)[0] == code


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("slot", "whose"), [(0, "(in q alone)"), (1, "(in k alone)")])
@pytest.mark.parametrize("code", ["not-rotated", "direction", "rotated-twice", "shifted", "pairing"])
def test_a_mistake_in_q_or_k_alone_is_named_as_that(
    code: str, slot: int, whose: str, dtype: torch.dtype
) -> None:
    packed = Convention(pairing="half", layout="qkv", tables="packed")
    case = Case(SimpleNamespace(convention=packed, device=torch.device("cpu")), dtype)
    one = SimpleNamespace(pairs=case.pairs[:, :, slot], truth=case.truth[:, :, slot], angles=case.angles)
    one.convention = packed
    result = case.truth.clone()
    result[:, :, slot] = MISTAKES[code](one)
    found, words = explain(case, lanes(result, "half").to(dtype))
    assert found == "unlike"
    assert words.endswith(whose)


def test_a_mistake_in_both_is_not_blamed_on_one() -> None:
    packed = Convention(pairing="half", layout="qkv", tables="packed")
    case = Case(SimpleNamespace(convention=packed, device=torch.device("cpu")), torch.float32)
    found, words = explain(case, lanes(case.rotated(case.pairs, -case.angles), "half").float())
    assert (found, words) == ("direction", "rotates by the negative angle")
