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


def pairing(case: Case, x: Tensor) -> Tensor:
    """Turn the lanes that the other pairing would."""
    own, other = case.convention.pairing, OTHER[case.convention.pairing]
    return pairs(lanes(rotate(pairs(lanes(x, own), other), case.angles), other), own)


def written_in_the_other_order(case: Case, x: Tensor) -> Tensor:
    own = case.convention.pairing
    return pairs(lanes(rotate(x, case.angles), OTHER[own]), own)


MISTAKES = {
    "not-rotated": lambda case, x: x,
    "direction": lambda case, x: rotate(x, -case.angles),
    "rotated-twice": lambda case, x: rotate(rotate(x, case.angles), case.angles),
    "shifted": lambda case, x: rotate(x, case.angles.roll(1, 0)),
    "tables-swapped": lambda case, x: rotate(x, torch.pi / 2 - case.angles),
    "imaginary-dropped": lambda case, x: x * case.angles.cos()[None, :, None, :, None],
    "pairing": pairing,
    "lanes": written_in_the_other_order,
    "rounding": lambda case, x: rotate(x, angles(torch.arange(len(case.angles)), 64)),
}


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64], ids=str
)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("code", MISTAKES)
def test_a_mistake_is_named_in_every_layout(code: str, layout: str, dtype: torch.dtype) -> None:
    case = Case(SimpleNamespace(convention=LAYOUTS[layout], device=torch.device("cpu")), dtype)
    result = case.backwards([MISTAKES[code](case, x) for x in case.pairs])
    assert explain(case, result)[0] == code


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("slot", "whose"), [(0, "(in q alone)"), (1, "(in k alone)")])
@pytest.mark.parametrize(
    "code", ["not-rotated", "direction", "rotated-twice", "shifted", "pairing"]
)
def test_a_mistake_in_q_or_k_alone_is_named_as_that(
    code: str, slot: int, whose: str, dtype: torch.dtype
) -> None:
    packed = Convention(pairing="half", layout="qkv", tables="packed")
    case = Case(SimpleNamespace(convention=packed, device=torch.device("cpu")), dtype)
    slots = list(case.truth)
    slots[slot] = MISTAKES[code](case, case.pairs[slot])
    found, words = explain(case, case.backwards(slots))
    assert found == "unlike"
    assert words.endswith(whose)


def test_a_mistake_in_both_is_not_blamed_on_one() -> None:
    packed = Convention(pairing="half", layout="qkv", tables="packed")
    case = Case(SimpleNamespace(convention=packed, device=torch.device("cpu")), torch.float32)
    found, words = explain(case, case.backwards(case.rotated(case.pairs, -case.angles)))
    assert (found, words) == ("direction", "rotates by the negative angle")
