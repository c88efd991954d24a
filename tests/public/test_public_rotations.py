"""Rotary code as it was reported wrong, beside what it became: the fault is named, and what is right is not accused.

The files are small versions of our own, with the fault that was reported.
"""

import pytest
from reported import specification, told

from rotcheck.context.angle_recognition import recognise
from rotcheck.implementations.target import resolve

FAULTS = {
    "12-left-padding:rotary_for_batch": ("unknown", "`attention_mask` changes nothing"),
    "12-left-padding:rotary_position_ids": ("wrong", "as if it began with its padding"),
    "15b-mrope-1d-and-3d:MRotaryEmbedding": ("wrong", "height and width turn nothing"),
    "22-heads-taken-for-sequence:RotaryWithCast": (
        "wrong",
        "turn with the number of the head, and not with the row",
    ),
    "18-jax-bf16-frequencies:RotaryEmbedding": ("wrong", "rounds its frequencies to bfloat16"),
    "27-permute-kv-heads:reverse_permute_rope": (
        "wrong",
        "moves rows of a k of 3 heads into other heads",
    ),
    "27-permute-kv-heads:load_rotary_projections": (
        "wrong",
        "moves rows of a k of 3 heads into other heads",
    ),
    "short_factor_idle:SuScaledRoPE": ("unknown", "`short_factor` changes nothing"),
    "offset_not_in_key:RotaryEmbedding.rotate_queries_or_keys": (
        "wrong",
        "gives the same for another offset",
    ),
    "23-packed-context-parallel:apply_rotary_pos_emb_thd": (
        "wrong",
        "the second sequence gets the rows of the first",
    ),
}
FIXED = {
    "12-left-padding:rotary_for_batch": ("right",),
    "12-left-padding:rotary_position_ids": ("right",),
    "15b-mrope-1d-and-3d:MRotaryEmbedding": ("right",),
    "22-heads-taken-for-sequence:RotaryWithCast": ("right",),
    "22-heads-taken-for-sequence:RotaryEmbedding": ("right",),
    "18-jax-bf16-frequencies:RotaryEmbedding": ("right",),
    "27-permute-kv-heads:reverse_permute_rope": ("right",),
    "27-permute-kv-heads:load_rotary_projections": ("right",),
    "29-draft-positions-late:draft_rotary_tables": ("right",),
    "short_factor_idle:SuScaledRoPE": ("unknown",),
    "offset_not_in_key:RotaryEmbedding.rotate_queries_or_keys": ("right",),
    "23-packed-context-parallel:apply_rotary_pos_emb_thd": ("right",),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_named(name: str) -> None:
    answer, words = FAULTS[name]
    found = told(name, "faulty")
    assert found.answer == answer
    assert any(words in one.message for one in found.findings)
    assert all(one.demonstration for one in found.findings if one.mistake)


@pytest.mark.parametrize("name", FIXED)
def test_what_is_right_is_not_accused(name: str) -> None:
    assert told(name, "fixed").answer in FIXED[name]


@pytest.mark.parametrize("version", ["faulty", "fixed"])
def test_ranks_of_context_parallelism_are_tried(version: str) -> None:
    found = told("23-packed-context-parallel:apply_rotary_pos_emb_thd", version)
    assert found.untried == ()
    assert any(one.field == "context_parallel" for one in found.evidence)


def test_positions_that_are_late_are_told_where_a_name_does_not_say_what_it_counts() -> None:
    faulty, fixed = (
        told("29-draft-positions-late:draft_rotary_tables", version)
        for version in ("faulty", "fixed")
    )
    assert faulty.answer == "unknown"
    assert (faulty.message or "").startswith("the first row is position prefill_len + 1, and")
    assert faulty.advice
    assert fixed.answer == "right"
    assert "from prefill_len on" in [one.says for one in fixed.evidence]


def test_context_asks_for_one_row_of_positions_where_a_batch_of_them_would_be_coordinates() -> None:
    target = resolve(specification("15b-mrope-1d-and-3d:MRotaryEmbedding", "fixed"), "cpu")
    known = recognise(target, "cpu")
    assert known.convention
    assert known.convention["position_axes"] == "s"
