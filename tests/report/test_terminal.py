"""The tables: readable at 80 columns, piped, without colour and without Unicode."""

import re

import pytest
from msgspec.structs import replace
from samples import cell, cells, healthy, machine, probe, report, sick, with_pairs

from rotcheck.diagnose import all_failures, get
from rotcheck.report import document as doc
from rotcheck.report import formats
from rotcheck.report.document import Display
from rotcheck.report.pages.comparison import Comparison
from rotcheck.report.terminal import draw
from rotcheck.results import Line, Report

HEALTHY = """\
rotcheck 0.1.0, torch 2.13.0+cpu, Python 3.11.7, Linux 6.1.0 x86_64, glibc 2.36
Intel(R) Xeon(R), 2 cores, 7.8 GiB of memory; runs: cpu
fallback ran native on cpu: flash-attn's rotary does not run on cpu

                cpu
implementation  float32  bfloat16  float16  float64
──────────────  ───────────────────────────────────
native          ✓ 0.52   ✓ 1.19    ✓ 0.75   ✓ 0.50
torchscript     ✓ 0.52   ✓ 1.19    ✓ 0.75   ✓ 0.50
interleaved     ✓ 0.52   ✓ 1.19    ✓ 0.75   ✓ 0.50
flash-attn      n/a      n/a       n/a      n/a
fallback        ✓ 0.52   ✓ 1.19    ✓ 0.75   ✓ 0.50

✓ agrees, ✗ disagrees; n/a: not on this machine. The figure is the largest error
of all checks, in rounding steps of the dtype: up to 0.8 rounds once, up to 2
computes in the dtype, over 4 is wrong.

Not on this machine
 - flash-attn on cpu: its rotary is a Triton kernel for CUDA and HIP devices

140 cells: 112 agree, 28 unavailable
"""


def shown(found: Report, **look: object) -> str:
    return formats.render("table", "comparison")(
        Comparison(found), Display(**{"width": 80, **look})
    )  # type: ignore[arg-type]


def longest(text: str) -> int:
    return max(map(len, text.splitlines()))


def test_a_healthy_report_reads_like_this() -> None:
    assert shown(healthy()) == HEALTHY


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("made", [healthy, sick, with_pairs])
def test_no_line_is_wider_than_the_screen(made: object, width: int) -> None:
    assert longest(shown(made(), width=width)) <= width  # type: ignore[operator]


def test_devices_stand_beside_each_other_where_they_fit() -> None:
    assert re.search(r"^ +cpu +meta \(stand-in\)$", shown(sick(), width=160), re.MULTILINE)


def test_devices_stand_below_each_other_where_they_do_not_fit() -> None:
    narrow = shown(sick(), width=80)
    assert re.search(r"^ +cpu$", narrow, re.MULTILINE)
    assert re.search(r"^ +meta \(stand-in\)$", narrow, re.MULTILINE)


def test_dtypes_are_split_before_anything_is_cut() -> None:
    found = [cell(dtype=f"dtype{n}", verdict="crashes") for n in range(20)]
    text = shown(report(found), width=60)
    assert all(f"dtype{n}" in text for n in range(20))
    assert text.count("native  ") >= 4


def test_the_bad_check_is_named_where_there_is_room() -> None:
    assert "crashes forward" in shown(
        report([cell(verdict="crashes"), cell(check="dtype")]), width=80
    )


def test_a_name_that_leaves_no_room_is_cut_at_its_beginning_and_told_in_full() -> None:
    name = f"models/{'very_' * 12}deep.py:rotary"
    text = shown(report(cells(name)))
    assert re.search(r"^….*deep\.py:rotary +✓ 0\.52", text, re.MULTILINE)
    assert name in "".join(text.split()).replace("\n", "")


def test_each_distinct_finding_has_its_cause_and_its_fix() -> None:
    text = shown(sick())
    assert text.count("✗ seed-native disagrees") == 1
    assert "cause  The tables have no V slot" in text
    assert "fix    Rotate q and k only" in text
    assert "rotcheck explain J1" in text
    assert "at     rotcheck/implementations/builtin/torchscript.py:31" in text


def test_a_cause_told_once_is_not_told_again() -> None:
    known = {
        "verdict": "raises",
        "message": "x",
        "failure": "J1",
        "cause": "the reason",
        "fix": "the cure",
    }
    text = shown(report([cell("a", **known), cell("b", **known)]))
    assert text.count("the reason") == 1
    assert text.count("as above, for J1") == 2


def test_an_interrupted_report_says_how_far_it_came() -> None:
    assert shown(report([cell()], planned=256, interrupted=True)).endswith(
        "interrupted: 1 of 256 cells: 1 agree\n"
    )


def test_a_report_in_which_nothing_ran_says_so() -> None:
    assert shown(report([cell(verdict="unavailable")])).endswith(
        "1 cell: 1 unavailable; nothing ran\n"
    )


def test_an_empty_report_is_no_crash() -> None:
    assert shown(report([], interrupted=True, planned=9)).endswith(
        "interrupted: 0 of 9 cells; nothing ran\n"
    )


def test_a_machine_without_torch_says_so() -> None:
    line = Line(group="libraries", name="torch", state="broken")
    assert "no torch that can be imported" in shown(
        report([cell()], machine=machine(torch=None, lines=(line,)))
    )


def test_a_machine_whose_torch_was_not_reached_is_not_said_to_lack_it() -> None:
    assert "torch not yet asked" in shown(report([cell()], machine=machine(torch=None, lines=())))


def test_without_colour_there_is_no_escape_sequence() -> None:
    assert "\x1b" not in shown(sick())


def test_with_colour_there_are_escape_sequences_and_the_same_words() -> None:
    coloured = shown(sick(), colour=True)
    assert "\x1b[" in coloured
    plain = "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", coloured).splitlines())
    assert plain == shown(sick()).rstrip("\n")


def test_ascii_is_ascii() -> None:
    text = shown(sick(), ascii=True)
    assert text.isascii()
    assert "ok 0.52" in text
    assert "XX seed-native disagrees" in text
    assert "crashes" in text


def test_escape_sequences_of_a_message_are_written_out() -> None:
    text = shown(
        report([cell(verdict="raises", message="\x1b]0;owned\x07 \x9b31m \u202egnirts \udc80")])
    )
    assert r"\x1b]0;owned\x07 \x9b31m \u202egnirts \udc80" in text


def test_square_brackets_of_a_message_are_no_markup() -> None:
    assert "[bold]x[/bold] :smile:" in shown(
        report([cell(verdict="raises", message="[bold]x[/bold] :smile:")])
    )


def test_a_very_long_message_is_cut_with_a_word_on_it() -> None:
    text = shown(report([cell(verdict="raises", message="x" * 5000)]))
    assert len(text) < 2500
    assert "(4400 more characters)" in " ".join(text.split())


def test_many_notes_are_cut_with_a_word_on_it() -> None:
    names = [chr(ord("a") + n) * 2 for n in range(20)]
    text = shown(report([cell(name, note=f"note {name}") for name in names]))
    assert "and 8 more lines" in text
    assert "note ll" in text
    assert "note mm" not in text


def test_pairs_are_told_in_words() -> None:
    text = shown(with_pairs())
    assert re.search(r"native - torchscript +bit-identical", text)
    assert re.search(r"native - interleaved +1\.25", text)
    assert re.search(r"native - fallback +same path", text)
    assert "native - flash-attn" not in text
    assert "cpu: flash-attn did not run" in text


def test_pairs_stand_in_the_order_of_the_matrix_however_they_came() -> None:
    turned = [
        replace(pair, first=pair.second, second=pair.first) for pair in reversed(with_pairs().pairs)
    ]
    assert shown(report(with_pairs().cells, pairs=tuple(turned))) == shown(with_pairs())


def test_a_probe_has_a_section_for_each_group_and_each_cause_once() -> None:
    text = formats.render("table", "probe")(probe(), Display(width=80))
    assert re.search(
        r"^devices\n  ✓  cpu +runs +8 dtypes; computes in float64\n  -  cuda +not built in",
        text,
        re.MULTILINE,
    )
    assert "legacy executor on meta (stand-in)  raises" in text
    assert "\nJ1: legacy executor on meta (stand-in) raises" in text
    assert text.count("cause  ") == 1


def test_a_failure_is_told_in_full() -> None:
    text = formats.render("table", "failures")([get("J1")], Display(width=80))
    assert text.startswith("J1  ")
    assert all(word in text for word in ("cause", "fix", "devices", "sources"))


def test_the_list_of_failures_has_a_line_for_each() -> None:
    lines = formats.render("table", "failures")(all_failures(), Display(width=160)).splitlines()
    assert len(lines) == len(all_failures()) + 2
    assert max(map(len, lines)) <= 160


@pytest.mark.parametrize("width", [60, 80, 120])
def test_ids_and_titles_are_whole_at_every_width(width: int) -> None:
    text = formats.render("table", "failures")(all_failures(), Display(width=width))
    words = " ".join(text.split())
    for each in all_failures():
        assert f" {each.id} {each.title} (" in f" {words}"


def rows_at(width: int) -> str:
    fields = (
        "✓ apply_rotary_pos_emb x2",
        "model.language_model.layers.{0,1}.self_attn",
        "half, 128 lanes; right",
    )
    parts = (doc.Rows(("code", "place", "what"), [tuple(map(doc.Field, fields))]),)
    return draw(doc.Document(parts, ""), Display(width=width))


def test_a_text_has_its_own_line_where_the_fields_before_it_leave_no_room() -> None:
    assert rows_at(100).splitlines() == [
        "✓ apply_rotary_pos_emb x2  model.language_model.layers.{0,1}.self_attn  half, 128 lanes; right"
    ]
    assert rows_at(80).splitlines() == [
        "✓ apply_rotary_pos_emb x2  model.language_model.layers.{0,1}.self_attn",
        "    half, 128 lanes; right",
    ]
