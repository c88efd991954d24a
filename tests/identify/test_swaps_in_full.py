"""Swaps as `--like` tells them: what is not installed, what differs in values,
both run side by side."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import swaps
import torch
from identifying import CPU, told
from msgspec.structs import replace

import rotcheck
from rotcheck.errors import RequestError
from rotcheck.identify.reading.convention_words import describe
from rotcheck.identify.run import identify_all
from rotcheck.identify.swapping.likeness import likeness
from rotcheck.identify.swapping.side_by_side import apart, at_lengths
from rotcheck.identify.swapping.swap import STEPS_APART, of_run
from rotcheck.implementations.target import registered_convention
from rotcheck.results import Identification, Likeness
from rotcheck.rotary import apply_rotary
from rotcheck.testing import assert_swappable

HERE = Path(__file__).parent
SWAPS = str(HERE / "swaps.py")
LIKE_HALVES = ("native", "torchscript", "neighbours", "flash-attn")


@cache
def of(name: str) -> Identification:
    return told(f"swaps:{name}")


@cache
def held_together(every: tuple[str, ...], other: str) -> dict[str, Likeness | None]:
    """Return what one command says of functions of swaps.py, or of registered names."""
    *asked, like = (
        f"{SWAPS}:{name}" if name.isidentifier() and hasattr(swaps, name) else name
        for name in (*every, other)
    )
    found = identify_all(asked, like=like)
    return {name: one.likeness for name, one in zip(every, found, strict=True)}


def held(own: str, other: str) -> Likeness:
    """Return what the command says of two of them; what is held against `halves` is asked once."""
    every = LIKE_HALVES if other == "halves" and own in LIKE_HALVES else (own,)
    found = held_together(every, other)[own]
    assert found is not None
    return found


def fields(found: Likeness) -> list[str]:
    return [one.field for one in found.differences if one.hard]


def test_a_library_that_cannot_run_here_is_held_by_what_it_is_registered_with() -> None:
    """flash-attn's kernel is for CUDA: on the CPU nothing of it runs."""
    found = held("halves", "flash-attn")
    assert (found.swappable, fields(found), found.error) == ("with changes", ["arguments"], None)
    assert found.adapter is not None
    assert "def as_theirs(x, cos, sin, offset=0):" in found.adapter


@pytest.mark.parametrize(
    ("own", "line"),
    [
        ("native", "from rotcheck.implementations.builtin.native import apply as ours"),
        (
            "torchscript",
            "from rotcheck.implementations.target import resolve\n\n"
            'ours = resolve("torchscript", "cpu").function',
        ),
        ("neighbours", "from swaps import neighbours as ours"),
    ],
)
def test_the_code_that_is_printed_imports_what_it_calls(own: str, line: str) -> None:
    found = held(own, "halves")
    assert f"import torch\n\n{line}\n\n\ndef as_theirs(x, cos, sin" in (found.adapter or "")
    code = f"{found.adapter}\n\nprint(as_theirs(torch.ones(1, 2, 1, 4), torch.eye(2), 1 - torch.eye(2)).tolist())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, check=False
    )
    x, cos, sin = torch.ones(1, 2, 1, 4), torch.eye(2), 1 - torch.eye(2)
    assert done.stdout == f"{swaps.halves(x, cos, sin).tolist()}\n", done.stderr


@pytest.mark.parametrize(
    ("own", "other"), [("native", "lines_up"), ("lines_up", "tables_of_a_batch")]
)
def test_one_that_takes_any_layout_is_held_in_the_other_one_with_its_heads(
    own: str, other: str
) -> None:
    found = held(own, other)
    assert found.swappable == "with changes"
    assert found.adapter is not None
    assert found.error is not None
    assert found.error <= STEPS_APART


def test_what_did_not_run_here_is_never_swapped_as_it_is() -> None:
    found = held("flash-attn", "halves")
    assert (found.swappable, fields(found), found.error) == ("unknown", [], None)


NOT_HERE = ["vllm", "flashinfer", "sgl-kernel", "apex", "transformer-engine", "xformers", "unsloth"]


@pytest.mark.parametrize("name", NOT_HERE)
def test_what_is_registered_is_known_without_importing_the_library(name: str) -> None:
    ours, before = of("halves"), set(sys.modules)
    known = registered_convention(name)
    assert known is not None
    theirs = replace(ours, convention=describe(known))
    assert likeness(ours, theirs, name).swappable == "with changes"
    imported = {module.partition(".")[0] for module in set(sys.modules) - before}
    assert imported <= {"rotcheck", "swaps"}


def test_what_is_not_registered_and_not_there_is_refused() -> None:
    with pytest.raises(RequestError, match="there is no module 'no_such_library'"):
        rotcheck.identify(f"{SWAPS}:halves", like="no_such_library:rope")


def test_the_run_beside_the_other_is_told() -> None:
    found = held("halves", "complex_table")
    assert found.adapter is not None
    assert "from swaps import halves as ours" in found.adapter
    assert found.error is not None
    assert found.error <= STEPS_APART


def test_what_takes_any_layout_is_run_in_that_of_ours() -> None:
    """Identified with (B, S, H, D), it is held as (S, B, H, D):
    code for the one does not do for the other."""
    found = held("rows_in_front", "lines_up")
    assert found.swappable == "with changes"
    assert found.adapter is not None
    assert found.error is not None
    assert found.error <= STEPS_APART


SCALED = {"make_scaled": "1.27726", "make_tables": "1"}


@pytest.mark.parametrize(
    ("own", "other"), [("make_tables", "make_scaled"), ("make_scaled", "make_tables")]
)
def test_an_attention_factor_is_never_as_it_is(own: str, other: str) -> None:
    found = likeness(of(own), of(other), other)
    assert (found.swappable, fields(found)) == ("with changes", ["amplitude"])
    assert (found.differences[0].own, found.differences[0].other) == (SCALED[own], SCALED[other])


def test_other_factors_of_each_pair_are_never_as_they_are() -> None:
    """Long and short factors of LongRoPE: no schedule has a name for either."""
    found = likeness(of("make_stretched"), of("make_tables"), "other")
    assert found.swappable != "as it is"
    assert fields(found) == ["theta"]


def test_pairs_that_turn_with_another_coordinate_never_take_its_place() -> None:
    """In blocks, y first, or y and x in turn: the frequencies are the same."""
    ours = of("make_tables")
    assert ours.convention is not None
    blocks, turns = (
        replace(ours, convention=replace(ours.convention, coordinates=each))
        for each in ((0, 0, 1, 1), (0, 1, 0, 1))
    )
    found = likeness(blocks, turns, "other")
    assert (found.swappable, fields(found), found.adapter) == ("no", ["coordinates"], None)
    assert likeness(turns, turns, "other").swappable == "as it is"


def test_frequencies_that_follow_the_length_are_never_as_they_are() -> None:
    ours, theirs = of("make_by_length"), of("make_tables")
    assert "frequencies" in fields(likeness(ours, theirs, "other"))
    assert likeness(ours, theirs, "other").swappable == "no"
    assert likeness(ours, ours, "other").swappable == "unknown"


PUBLIC = HERE.parent / "public"
BY_LENGTH = [
    f"{SWAPS}:make_by_length",
    f"{PUBLIC}/longrope_by_capacity/fixed.py:Phi3LongRoPERotaryEmbedding",
    f"{PUBLIC}/dynamic_ntk_constant/fixed.py:DynamicNTKScalingRotaryEmbedding",
]


@pytest.mark.parametrize("name", BY_LENGTH)
def test_two_that_follow_the_length_by_one_rule_are_swapped_as_they_are(name: str) -> None:
    found = rotcheck.identify(name, like=name).likeness
    assert found is not None
    assert (found.swappable, [one.field for one in found.differences]) == (
        "as it is",
        ["frequencies"],
    )
    assert "alike for 9, 300, 1025, 2049, 4097, 8193, 16385" in found.differences[0].fix


def test_two_that_follow_the_length_by_other_rules_are_told_apart() -> None:
    """By what was found alone they are alike: few rows and the first longer ones turn by
    the same frequencies."""
    ours = of("make_by_length")
    alike = likeness(ours, ours, "other")
    for other, where in (
        (swaps.make_by_another_length, "1025, 2049, 4097"),
        (swaps.KeepsLongest(), "300 behind"),
    ):
        errors = at_lengths(swaps.make_by_length, other, "", None, CPU)
        found = of_run(alike, 0.0, lengths=errors)
        assert (found.swappable, fields(found)) == ("no", ["frequencies"])
        assert f"others for {where}" in found.differences[-1].own


def test_what_the_fields_do_not_tell_the_run_tells() -> None:
    """The same fields and other values: another table from row 4097 on,
    which no field speaks of."""
    found = likeness(of("make_tables"), of("make_tables"), "other")
    error = apart(swaps.make_tables, swaps.make_wrapped, "", None, CPU, {})
    assert error > STEPS_APART
    assert of_run(found, error).swappable == "no"
    assert of_run(found, 0.0).swappable == "as it is"
    assert of_run(found, None, "raises ValueError: no").swappable == "unknown"


def test_code_that_does_not_do_what_it_should_is_not_shown() -> None:
    found = likeness(of("halves"), of("complex_table"), "other")
    assert found.adapter is not None
    assert of_run(found, 1e6).adapter is None


def test_a_field_that_is_not_known_is_never_as_it_is() -> None:
    ours = of("at_positions")
    assert ours.convention is not None
    assert likeness(ours, ours, "other").swappable == "as it is"
    unknown = replace(ours, convention=replace(ours.convention, theta=None, schedule=None))
    assert likeness(unknown, ours, "other").swappable == "unknown"
    assert likeness(ours, unknown, "other").swappable == "unknown"


def test_another_way_to_call_it_needs_no_change() -> None:
    """It takes tables (S, W) and (B, S, W): one that takes (S, W) alone is swapped as it is."""
    assert likeness(of("tables_of_any_batch"), of("halves"), "other").swappable == "as it is"
    assert (
        likeness(of("tables_of_any_batch"), of("tables_of_a_batch"), "other").swappable
        == "as it is"
    )
    assert likeness(of("tables_of_a_batch"), of("halves"), "other").swappable == "with changes"


def test_grouped_heads_are_not_packed() -> None:
    found = held("native", "q_and_k")
    fix = next(one.fix for one in found.differences if one.field == "layout")
    assert "use rotcheck.rotary:apply_rotary, which takes q and k one by one" in fix
    assert found.adapter is not None
    assert found.error is not None  # with fewer heads in k
    assert found.error <= STEPS_APART


def test_apply_rotary_is_identified_and_swapped() -> None:
    found = rotcheck.identify("rotcheck.rotary:apply_rotary", like=f"{SWAPS}:heads_in_front")
    assert (found.follows, found.answer) == (True, "right")
    assert found.likeness is not None
    assert fields(found.likeness) == ["arguments"]
    assert found.likeness.adapter is not None
    assert "ours(x, cos, sin, layout='bhsd')" in found.likeness.adapter
    back = rotcheck.identify(f"{SWAPS}:halves", like="rotcheck.rotary:apply_rotary").likeness
    assert back is not None
    assert back.swappable == "as it is"


def test_a_swap_with_apply_rotary_that_works_passes() -> None:
    assert_swappable(swaps.halves, "rotcheck.rotary:apply_rotary")
    assert_swappable(swaps.halves, apply_rotary)
    assert_swappable(apply_rotary, swaps.tables_of_a_batch)
    with pytest.raises(AssertionError, match=r"ours\(x, cos, sin, pairing='interleaved'\)"):
        assert_swappable(apply_rotary, swaps.neighbours)
