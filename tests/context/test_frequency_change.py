"""Frequencies that follow the length, by design: judged up to where they change, and no further."""

from pathlib import Path

import pytest

from rotcheck.context.angle_recognition import recognise
from rotcheck.context.specimen import Specimen
from rotcheck.implementations.target import resolve

PUBLIC = Path(__file__).parents[1] / "public"
CHANGES = {
    "dynamic_ntk_constant/fixed.py:DynamicNTKScalingRotaryEmbedding": 2048,
    "length_of_another_axis/fixed.py:GrowingBase": 510,
    "longrope_by_capacity/fixed.py:Phi3LongRoPERotaryEmbedding": 4096,
}


@pytest.mark.parametrize("name", CHANGES)
def test_it_is_right_up_to_where_its_frequencies_change(name: str) -> None:
    specification = f"{PUBLIC / name}"
    known = recognise(resolve(specification, "cpu"), "cpu")
    assert (known.changes, known.claims, known.doubt) == (CHANGES[name], CHANGES[name], None)
    specimen = Specimen(specification, "cpu", known)
    curve = specimen.sweep(specimen.fresh())
    assert curve.wrong_at is None
    assert curve.right_to == CHANGES[name] - 1


def test_one_whose_frequencies_stay_is_judged_as_far_as_ever() -> None:
    known = recognise(resolve(f"{PUBLIC}/batch_summed/fixed.py:LlamaRotaryEmbedding", "cpu"), "cpu")
    assert known.changes is None
    assert known.claimed_by == "max_position_embeddings"


def test_points_are_held_against_the_frequencies_of_their_own_coordinate() -> None:
    specification = f"{PUBLIC}/points_in_blocks/fixed.py:build_2d_rope"
    known = recognise(resolve(specification, "cpu"), "cpu")
    assert known.schedule == "Plain(theta=10000.0)"
    specimen = Specimen(specification, "cpu", known)
    assert (specimen.sweep(specimen.fresh()).right_to or 0) >= 65537
