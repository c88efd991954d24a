"""Bug reports of vision, video and text models and their ports: the fault is named, what is right is not accused."""

import ast

import pytest
from reported import HERE, told

from rotcheck.implementations import rotary_code

FAULTS = {
    "mrope_time_alone:TextRotaryEmbedding": (
        "wrong",
        "of positions (3, ...) height and width turn nothing",
    ),
    "cache_forgets_offset:RotaryEmbedding.rotate_queries_or_keys": (
        "wrong",
        "the same for another offset",
    ),
    "theta_not_passed:ImagePosEmbed": (
        "unknown",
        "`theta` changes nothing",
    ),
    "factor_in_exponent:RotaryEmbedding": ("unknown", "the factor divides the exponents"),
    "rows_across_batch:rope_": (
        "unknown",
        "later batch rows turn on from where the first one ends",
    ),
    "heads_for_rows:RotaryAttentionHeads": (
        "wrong",
        "turns with the head, not the row: the comment says",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_named(name: str) -> None:
    answer, words = FAULTS[name]
    found = told(name, "faulty")
    assert found.answer == answer
    assert any(
        words in text for text in (found.message or "", *(one.message for one in found.findings))
    )
    assert all(one.demonstration for one in found.findings if one.mistake)


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_right_is_not_accused(name: str) -> None:
    assert told(name, "fixed").answer == "right"


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_is_asked_for_it(name: str) -> None:
    case, _, function = name.partition(":")
    assert function in rotary_code.rotary(ast.parse((HERE / case / "faulty.py").read_text()))


def test_pairs_of_each_axis_are_counted() -> None:
    found = told("mrope_time_alone:TextRotaryEmbedding", "fixed")
    assert found.convention
    assert [found.convention.coordinates.count(axis) for axis in range(3)] == [24, 20, 20]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exponent_inverted:rope", "its frequencies grow from pair to pair: 10000 ** (2i / 16)"),
        (
            "frequencies_zero:RotaryEmbedding",
            "gives cos 1 and sin 0 at every position, so that nothing turns",
        ),
    ],
)
def test_why_it_is_not_understood_is_said(name: str, words: str) -> None:
    assert words in (told(name, "faulty").message or "")
    assert told(name, "fixed").answer == "right"


def test_the_schedule_of_each_kind_of_layers_is_told() -> None:
    """Of Gemma 3: scaling belongs to global layers alone, and only what is told of both kinds shows that."""
    schedules = [
        {
            one.says
            for one in told("layers_scaled:TextRotaryEmbedding", version).evidence
            if one.field == "theta"
        }
        for version in ("faulty", "fixed")
    ]
    assert told("layers_scaled:TextRotaryEmbedding", "fixed").answer == "right"
    whole = "Linear(factor=8.0, theta=1000000.0)"
    assert any(one.startswith("Linear(factor=8.0, theta=10000.0)") for one in schedules[0])
    assert any(one.startswith("Plain(theta=10000.0)") for one in schedules[1])
    assert all(any(one.startswith(whole) for one in every) for every in schedules)
