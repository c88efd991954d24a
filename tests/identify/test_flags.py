"""Flags: what a function does with each of them the other way round,
and the mistakes that only then are made."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import functions_flagged
import pytest
import swaps
import torch
from identifying import told

from rotcheck.identify.run import identify_all
from rotcheck.identify.swapping.likeness import likeness
from rotcheck.identify.swapping.side_by_side import with_adapter
from rotcheck.report.pages.identification import lines, summary_line
from rotcheck.results import Identification

HERE = Path(__file__).parent
FILE = HERE / "functions_flagged.py"


@cache
def every() -> dict[str, Identification]:
    """Return what is found of each function, by name: by one run."""
    names = [
        name
        for name, one in vars(functions_flagged).items()
        if callable(one) and not name.startswith("_")
    ]
    asked = [name for name in names if name not in ("Tensor", "MustSayNeox")] + [
        "MustSayNeox.rotate"
    ]
    found = identify_all([f"{FILE}:{name}" for name in asked])
    return {one.specification.rpartition(":")[2]: one for one in found}


def identification(name: str) -> Identification:
    return every()[name]


def shown(name: str) -> list[str]:
    """Return the lines that tell of its flags."""
    every = list(lines(identification(name)))
    first = next((at for at, one in enumerate(every) if one[0] == "flags"), len(every))
    return [one[1] for one in every[first:]]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("paired_either_way", "interleaved=True: pairing interleaved"),
        ("must_say_neox", "is_neox_style=False: pairing interleaved"),
        ("back_or_forth", "conj=True: direction -1"),
        ("along_either_axis", "seq_dim=2: layout bhsd"),
        ("where_it_stands", "inplace=True: in_place yes"),
        ("complex_or_pairs", "use_real=False: tables complex"),
        ("scripted", "interleaved=True: pairing interleaved"),
        ("Built", "interleaved=True: pairing interleaved"),
        ("MustSayNeox.rotate", "is_neox_style=False: pairing interleaved"),
    ],
)
def test_what_a_flag_changes_is_told(name: str, said: str) -> None:
    found = identification(name)
    assert found.follows, found.findings
    assert [text.split(", dtype_rule")[0] for text in shown(name)] == [said]
    assert [one.follows for one in found.flags] == [True]
    assert found.flags[0].error is not None


def test_a_flag_of_the_pairing_that_changes_nothing_is_a_mistake() -> None:
    found = identification("ignores")
    assert [(one.code, one.failure) for one in found.findings] == [("idle-flag", "R120")]
    assert "the flag interleaved changes nothing" in found.findings[0].message
    assert "interleaved=True" in str(found.findings[0].demonstration)
    assert found.answer == "wrong"
    assert shown("ignores") == ["interleaved=True: the same"]


def test_a_flag_that_asks_for_the_rotation_back_and_does_not_turn_back_is_a_mistake() -> None:
    found = identification("never_turns_back")
    assert [(one.code, one.mistake) for one in found.findings] == [("idle-flag", True)]
    assert "it turns by the same angle, and not back" in found.findings[0].message


def test_what_a_flag_changes_holds_for_every_way_to_call_it() -> None:
    assert identification("in_any_layout").findings == ()
    assert shown("in_any_layout") == [
        "conj=True: direction -1",
        "interleaved=True: pairing interleaved",
    ]


def test_what_a_flag_changes_of_tables_is_told_those_of_style_first() -> None:
    assert identification("precompute_in_any_form").follows
    assert shown("precompute_in_any_form") == [
        "interleaved=True: tables each value twice",
        "use_complex=True: tables complex, dtype_rule returns complex64",
        "return_mean=True: f(D, S, return_mean=True) returns no tables of a rotation",
    ]


def test_flags_that_change_nothing_are_told_in_one_line() -> None:
    assert shown("of_many_flags") == ["interleaved=True, use_cache=True, verbose=True: the same"]


def test_of_a_function_without_flags_nothing_is_told() -> None:
    assert identification("of_no_flag").flags == ()
    assert shown("of_no_flag") == []


@pytest.mark.parametrize(
    ("name", "flag", "said"),
    [
        ("with_dropout", "training=True", "training=True: "),
        ("refuses", "interleaved=True", "raises NotImplementedError: only halves"),
        ("NotToBeBuiltInterleaved", "interleaved=True", "NotImplementedError: halves alone"),
    ],
)
def test_a_flag_that_asks_for_no_rotation_is_no_mistake(name: str, flag: str, said: str) -> None:
    found = identification(name)
    assert found.follows
    assert found.findings == ()
    assert [(one.flag, one.follows, one.convention) for one in found.flags] == [(flag, False, None)]
    assert said in shown(name)[0]


@pytest.mark.parametrize(
    ("name", "code", "flag"),
    [
        ("wrong_when_interleaved", "one-sign", "interleaved=True"),
        ("tables_of_halves_alone", "pairing-of-tables", "interleaved=True"),
        ("wrong_in_place", "aliasing", "inplace=True"),
        ("wrong_along_the_other", "no-convention", "seq_dim=2"),
        ("wrong_when_inverse", "no-convention", "inverse=True"),
        ("WrongWhenInterleaved", "one-sign", "interleaved=True"),
    ],
)
def test_a_mistake_that_is_made_with_a_flag_alone_is_found(name: str, code: str, flag: str) -> None:
    found = identification(name)
    assert [one.code for one in found.findings if one.mistake] == [code]
    assert found.findings[-1].message.startswith(f"with {flag}: ")
    assert found.findings[-1].failure
    assert not found.follows
    assert found.error is not None
    assert found.error < 2  # as it is called by default


def test_a_crash_with_a_flag_takes_nothing_else_along() -> None:
    found = identification("crashes_when_fused")
    assert found.follows
    assert shown("crashes_when_fused") == [
        "interleaved=True: pairing interleaved",
        "conj=True: direction -1",
        "use_fused=True: the process was killed by SIGSEGV",
    ]


def test_tables_that_are_wrong_with_a_flag_alone_are_found() -> None:
    found = identification("precompute_rounded_when_interleaved")
    assert [(one.code, one.failure) for one in found.findings if one.mistake] == [("phase", "N1")]
    assert found.findings[-1].message.startswith("with interleaved=True: ")
    assert summary_line(found).startswith("follows a convention, apart from the above")


def test_a_mistake_with_a_flag_ends_the_command_with_1_and_stands_in_json() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "rotcheck",
            "identify",
            f"{FILE}:wrong_in_place",
            "--format",
            "json",
        ],
        capture_output=True,
        text=True,
        cwd=HERE.parents[1],
    )
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["flags"][0]["flag"] == "inplace=True"
    assert found["flags"][0]["message"] in found["findings"][0]["message"]


def test_a_flag_is_named_where_it_makes_a_swap_possible() -> None:
    own, other = identification("paired_either_way"), told("swaps:tables_each_twice")
    held = likeness(own, other, "other")
    assert held.swappable == "with changes"
    assert ("flag", "call it with interleaved=True") in [
        (one.field, one.fix) for one in held.differences
    ]
    assert "pairing" not in [one.field for one in held.differences]


@pytest.mark.parametrize("name", ["paired_either_way", "must_say_neox"])
def test_the_code_calls_it_with_the_flag(name: str) -> None:
    """By keyword, or in its place where the call has one."""
    held = likeness(identification(name), told("swaps:tables_each_twice"), "other")
    assert held.adapter is not None
    as_theirs = with_adapter(getattr(functions_flagged, name), held.adapter)
    x, angle = torch.randn(2, 5, 3, 16), torch.rand(5, 8).repeat_interleave(2, -1)
    expected = swaps.tables_each_twice(x, angle.cos(), angle.sin())
    assert torch.allclose(as_theirs(x, angle.cos(), angle.sin()), expected, atol=1e-6)


def test_what_the_flag_says_makes_it_the_other() -> None:
    x = torch.randn(2, 5, 3, 16, dtype=torch.float64)
    angle = torch.outer(
        torch.arange(5.0), torch.tensor([1.0, 0.1, 0.3, 0.7, 0.2, 0.9, 0.4, 0.6])
    ).double()
    ours = functions_flagged.paired_either_way(x, angle.cos(), angle.sin(), interleaved=True)
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    theirs = torch.view_as_real(
        pairs * torch.polar(torch.ones_like(angle), angle)[None, :, None]
    ).flatten(-2)
    assert torch.allclose(ours, theirs)


def test_no_flag_is_named_where_it_helps_nothing() -> None:
    held = likeness(identification("paired_either_way"), told("swaps:halves"), "other")
    assert "flag" not in [one.field for one in held.differences]
