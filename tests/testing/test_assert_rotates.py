"""One line in a kernel author's suite: right functions pass, and a wrong one is told in full."""

import random
from collections.abc import Callable

import own_kernels
import pytest
import torch

import rotcheck
from rotcheck.compare.plan import check_names
from rotcheck.errors import RequestError
from rotcheck.measure import switches
from rotcheck.testing import assert_rotates

WRONG_ROWS = """\
wrong_rows does not rotate as it should
  identified as: half pairing, called as f(q, k, cos, sin) with q and k (B, S, H, D), cos and sin
    (1, S, 1, D)

forward in float32: returns the rotation times 1.01, in rows 3 to 4 of head 2 of q alone [R131]
  off by 83886 rounding steps in float32 forward, at q, batch 1, row 3, head 2, pair 1, position 3
  q: 128 of 4160 pairs are off: rows 3-4 (positions 3, 7), head 2, all pairs, all batch rows
  cause: The formula and the tables are right"""


def message(function: object, **asked: object) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_rotates(function, **asked)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(
    "function",
    [own_kernels.healthy, own_kernels.interleaved, own_kernels.conjugate, own_kernels.Module()],
)
def test_a_right_rotation_passes_in_its_own_convention(function: object) -> None:
    cells = assert_rotates(function)  # type: ignore[arg-type]
    asked = {(cell.dtype, cell.check) for cell in cells}
    assert asked == {
        (dtype, check) for dtype in ("float32", "bfloat16") for check in check_names("quick")
    }
    assert {cell.verdict for cell in cells} <= {"agrees", "skipped"}
    assert all(cell.error <= 2 for cell in cells if cell.check == "forward")


def test_what_is_asked_can_be_chosen() -> None:
    cells = assert_rotates(own_kernels.healthy, dtypes=["float16"], checks=["backward", "repeat"])
    assert [(cell.dtype, cell.check, cell.verdict) for cell in cells] == [
        ("float16", "backward", "agrees"),
        ("float16", "repeat", "agrees"),
    ]


def test_the_message_says_which_rows_heads_and_pairs_are_off_and_by_how_much() -> None:
    assert message(own_kernels.wrong_rows, dtypes=["float32"], checks=["forward"]).startswith(
        WRONG_ROWS
    )


def test_a_known_mistake_comes_with_its_id_cause_and_fix() -> None:
    words = message(own_kernels.twice)
    assert "forward, backward in float32, bfloat16: rotates twice [N10]" in words
    assert "\n  cause: Rotary was applied to the value as well" in words
    assert "\n  fix: Rotate q and k only, once" in words
    assert words.count("cause: Rotary was applied") == 1


def test_what_a_function_declares_is_what_it_is_held_to() -> None:
    words = message(own_kernels.declared_and_conjugate)
    assert "judged by the convention it was given: half pairing" in words
    assert "q and k (B, H, S, D), cos and sin (1, S, D)" in " ".join(words.split())
    assert "rotates by the negative angle [R2]" in words


def test_a_convention_given_by_keywords_is_what_it_is_held_to() -> None:
    asked = {
        "layout": "bhsd",
        "tables": "repeated",
        "table_axes": "1sw",
        "arguments": ("q", "k", "cos", "sin"),
    }
    assert assert_rotates(own_kernels.healthy, pairing="half", **asked)
    assert assert_rotates(own_kernels.conjugate, direction=-1, **asked)
    words = message(own_kernels.interleaved, pairing="half", **asked)
    assert "rotates one pairing's lanes with tables laid out for the other" in " ".join(
        words.split()
    )


def test_several_failures_are_all_told() -> None:
    words = message(own_kernels.two_faults)
    assert "backward in float32, bfloat16: " in words
    assert (
        "state in float32, bfloat16: changes the whole process: torch seed; torch random state [R19]"
        in words
    )


def test_what_the_function_raises_is_told_once_and_is_the_cause_of_the_failure() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_rotates(own_kernels.refuses_bfloat16)
    words = " ".join(str(caught.value).split())
    assert (
        "positions, state in bfloat16: ValueError: float32 only [R28] at own_kernels.py:" in words
    )
    assert words.count("float32 only") == 1
    assert isinstance(caught.value.__cause__, ValueError)


def test_one_that_makes_tables_is_sent_elsewhere() -> None:
    assert (
        message(own_kernels.builds)
        == "builds makes tables and rotates nothing: `rotcheck context` judges these"
    )


def test_one_that_cannot_be_called_says_what_was_tried() -> None:
    words = message(own_kernels.no_rotation)
    assert words.startswith("no_rotation was not identified: no call that was tried")
    assert "raises RuntimeError: out of order" in words
    assert "assert_rotates(function, pairing=..., layout=..., tables=..., arguments=...)" in words


def test_checks_that_cannot_be_asked_are_no_success() -> None:
    packed = {"pairing": "half", "layout": "qkv", "tables": "packed"}
    words = message(lambda qkv, cos, sin: qkv, checks=["gqa"], **packed)
    assert words.startswith("nothing of ")
    assert "gqa: " in words


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"dtypes": ["float23"]}, "unknown dtype 'float23'; did you mean 'float32'"),
        ({"checks": ["forwards"]}, "unknown check 'forwards'; did you mean 'forward'"),
        ({"pairings": "half"}, "assert_rotates: unknown 'pairings'"),
        ({"pairing": "halves"}, "assert_rotates: Invalid enum value 'halves' - at `$.pairing`"),
        ({"layout": "bdsh"}, "assert_rotates: unknown layout 'bdsh'"),
        ({"device": "interpreter"}, "set TRITON_INTERPRET=1"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused(asked: dict, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        assert_rotates(own_kernels.healthy, **asked)
    assert words in str(caught.value)


def test_a_class_is_no_function() -> None:
    with pytest.raises(RequestError, match="give what is called"):
        assert_rotates(own_kernels.Module)


@pytest.mark.parametrize(
    "asked", [lambda: assert_rotates(own_kernels.healthy), lambda: message(own_kernels.seeds)]
)
def test_the_process_is_left_as_it_was(asked: Callable[[], object]) -> None:
    threads = torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(threads + 1)
    try:
        before = switches.read()
        drawn = random.getstate()
        with torch.no_grad():
            said = asked()
            assert not isinstance(said, str) or "changes the whole process: torch seed" in said
            assert not torch.is_grad_enabled()
        assert switches.differing(before, switches.read()) == []
        assert random.getstate() == drawn
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(threads)


def test_inference_mode_around_it_does_not_matter() -> None:
    with torch.inference_mode():
        assert assert_rotates(own_kernels.healthy)


def test_it_is_reached_through_the_package() -> None:
    assert rotcheck.testing.assert_rotates is assert_rotates
