"""Wrong is said only beyond doubt, and shown; what is in doubt is neither right nor wrong."""

import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import functions_in_doubt
import functions_mistaken
import pytest
import torch
from identifying import told

from rotcheck.identify.calling import documented_shapes
from rotcheck.identify.calling.documented_layout import documented_layout
from rotcheck.identify.calling.role_evidence import arguments_without_evidence
from rotcheck.identify.showing.function_source import Source
from rotcheck.results import Identification

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
UNDECLARED = ROOT / "tests" / "trust" / "defects" / "undeclared.py"
MISTAKEN = [
    name for name, wanted in functions_mistaken.expect.expected.items() if wanted.get("mistakes")
]
SLOW = (
    "untouched",
    "only_cos",
    "real_part_only",
    "NeverFilled",
    "CastComplex",
    "ShortTable",
)  # as long as the search


@cache
def doubted(name: str) -> Identification:
    return told(f"functions_in_doubt:{name}")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("keys_have_tables_of_their_own", "unknown"),
        ("begins_late", "unknown"),
        ("begins_late_by_its_caller", "wrong"),
        ("masked", "unknown"),
        ("unmasked", "right"),
        ("TurnsHeads", "wrong"),
        ("TurnsRows", "right"),
        ("TurnsHeadsByComment", "wrong"),
        ("says_what_it_does", "right"),
        ("with_more_arguments", "right"),
    ],
)
def test_the_answer(name: str, answer: str) -> None:
    assert doubted(name).answer == answer


def test_what_is_in_doubt_says_what_to_declare() -> None:
    found = doubted("keys_have_tables_of_their_own")
    assert [one for one in found.findings if one.mistake] == []
    assert any("@rotcheck.declare(" in text for text in found.advice)


def test_an_argument_that_changes_nothing_is_named() -> None:
    assert [one.code for one in doubted("masked").findings] == ["idle-argument"]
    assert "`attention_mask` changes nothing" in doubted("masked").findings[0].message


def test_a_docstring_that_is_contradicted_is_the_finding() -> None:
    (one,) = doubted("TurnsHeads").findings
    assert one.mistake
    assert one.message.endswith("turn with the number of the head, and not with the row")


def test_what_it_prints_is_a_note() -> None:
    assert [(one.code, one.mistake) for one in doubted("says_what_it_does").findings] == [
        ("prints", False)
    ]


def test_arguments_that_were_left_at_their_defaults_are_named() -> None:
    assert doubted("with_more_arguments").untried == ("scale", "cache")
    assert doubted("unmasked").untried == ()


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("q, k: (B, S, H, D)", "bshd"),
        ("q (torch.Tensor): of shape [batch_size, num_heads, seq_len, head_dim]", "bhsd"),
        ("`q` is `(tokens, heads, lanes)`", "thd"),
        ("q (N, L, H, D)", "bshd"),
        ("q (tokens, heads * head_dim)", "t(hd)"),
        ("q of (B, S, H, D) or (B, H, S, D)", None),
        ("q (B, S, H, D)\nfirst: if True, expected [B, S, H, D], else [B, H, S, D]", None),
        ("q: (B, H, W, D)", None),
        ("positions (B, S)", None),
        ("returns (B, S, H, D)", None),
        ("q: (seq_len, batch, width, depth)", None),
    ],
)
def test_shapes_are_read_with_care(text: str, layout: str | None) -> None:
    def rotates(q, k, positions):
        return q

    rotates.__doc__ = text
    found = documented_layout(rotates)
    assert (found.layout if found else None) == layout


def test_q_and_k_stand_for_query_and_key() -> None:
    def rotates(positions, query, key):
        """positions are (3, tokens); q and k (tokens, heads * head_size)"""
        return query, key

    found = documented_layout(rotates)
    assert found
    assert found.layout == "t(hd)"


def test_a_layout_that_a_flag_chooses_is_none_to_hold_a_function_to() -> None:
    """As Moshi's: the docstring of q gives the layout of the flag that is not the default."""

    def rotates(q, k, offset, time_before_heads=False):
        """q: queries, shape `[B, S, H, D]`."""
        return q

    def rotates_both(q, k, offset, time_before_heads=False):
        """q: queries, shape `[B, S, H, D]`.

        time_before_heads: if True, expected [B, S, H, D], else [B, H, S, D]
        """
        return q

    assert documented_shapes.documented_axes(rotates) == {"q": "bshd"}
    assert documented_shapes.documented_axes(rotates_both) == {}


def test_who_calls_a_function_speaks_for_its_arguments() -> None:
    assert arguments_without_evidence(functions_in_doubt.begins_late, ("x", "offset")) == [
        "prefill"
    ]
    assert (
        arguments_without_evidence(functions_in_doubt.begins_late_by_its_caller, ("x", "offset"))
        == []
    )


@cache
def demonstrations() -> dict[str, str | None]:
    every = {
        name: told(f"{HERE / 'functions_mistaken.py'}:{name}")
        for name in MISTAKEN
        if name not in SLOW
    }
    return {
        name: next((r.demonstration for r in one.findings if r.mistake), None)
        for name, one in every.items()
    }


def test_every_mistake_is_shown_by_python_that_runs_without_rotcheck() -> None:
    """In one fresh process, where rotcheck cannot be imported:
    each prints two values, and they differ."""
    shown = demonstrations()
    assert [name for name, code in shown.items() if not code] == []
    script = textwrap.dedent(f"""
        import contextlib, io, sys
        sys.modules["rotcheck"] = None
        for name, code in {shown!r}.items():
            written = io.StringIO()
            with contextlib.redirect_stdout(written):
                exec(code, {{"__name__": name}})
            came, right = written.getvalue().splitlines()
            print(name, came.startswith("came ") and right.startswith("right") and came[5:] != right[5:])
    """)
    stub = "import types, sys\n" + _CORPUS + script
    done = subprocess.run(
        [sys.executable, "-c", stub], capture_output=True, text=True, cwd=Path.cwd(), check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"{name} True" for name in shown]


_CORPUS = """
identifying = types.ModuleType("identifying")  # which needs rotcheck, to say what is expected
class Corpus:
    def __call__(self, **expected):
        return lambda function: function
identifying.Corpus = Corpus
sys.modules["identifying"] = identifying
"""


@pytest.mark.parametrize(
    "name", ["value_too", "twice_half", "CountsFromOne", "CachesByLength", "spoils_its_table"]
)
def test_what_the_trust_suite_plants_is_shown_too(name: str) -> None:
    found = told(f"{UNDECLARED}:{name}")
    assert found.answer == "wrong"
    assert all(one.demonstration for one in found.findings if one.mistake)


def test_a_demonstration_leaves_the_default_device_as_it_was() -> None:
    torch.set_default_device("meta")  # as code that is being tested may have it
    try:
        Source(()).run(["import torch", 'torch.set_default_device("cpu")'])
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)
