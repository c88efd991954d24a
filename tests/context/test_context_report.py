"""What is shown of a run: the table, markdown, JSON and the picture."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from trying import context, reach

from rotcheck.report import curves, formats
from rotcheck.report.document import Display
from rotcheck.report.pages import context as reached
from rotcheck.results import Context, Phase

WRONG = reach(
    "bfloat16",
    verdict="disagrees",
    right_to=22,
    wrong_at=23,
    phases=(
        Phase(position=1, error=0.0),
        Phase(position=23, error=0.011),
        Phase(position=4097, error=3.07),
    ),
    finding="phase-cast",
    message="right up to position 22, off by 0.011 rad at 23",
    failure="N1",
    cause="It was cast.",
    fix="Do not cast it.",
)
LOST = reach(
    "meta",
    verdict="disagrees",
    right_to=None,
    wrong_at=0,
    phases=(Phase(position=0, error=None), Phase(position=4097, error=None)),
    message="the result has NaN",
    failure="N5",
)
FOUND = context(
    reach(note="a note"),
    WRONG,
    msgspec.structs.replace(WRONG, condition="to-bfloat16"),
    LOST,
    reach("matmul-high", emulated=True, wrong_at=9000, asked_to=131071),
    reach(
        "dtypes",
        verdict="skipped",
        message="no tensor is shown",
        right_to=None,
        asked_to=None,
        phases=(),
    ),
)


def test_the_table_has_a_row_for_each_condition_that_ran() -> None:
    text = formats.render("table", "context")(FOUND, Display())
    rows = [re.split(r"\s{2,}", line) for line in text.splitlines()]
    assert ["constructed", "8191+", "2.0e-04", "-", "-", "✓ agrees"] in rows
    assert ["bfloat16", "22", "3.07", "-", "-", "✗ disagrees"] in rows
    assert ["meta", "nowhere", "lost", "-", "-", "✗ disagrees"] in rows
    assert ["matmul-high", "8191", "2.0e-04", "-", "-", "✓ agrees (emulated)"] in rows
    assert not any(row[0] == "dtypes" for row in rows)


def test_a_failure_is_told_once_with_all_its_conditions() -> None:
    titles = [finding.title for finding in reached.findings(FOUND)]
    assert titles == [
        "mine.py:Rope disagrees: bfloat16, to-bfloat16",
        "mine.py:Rope disagrees: meta",
    ]
    text = formats.render("table", "context")(FOUND, Display())
    assert text.count("Do not cast it.") == 1
    assert "rotcheck explain N1" in text


def test_notes_and_reasons_stand_behind_the_findings() -> None:
    text = formats.render("table", "context")(FOUND, Display())
    assert " - mine.py:Rope on cpu (constructed): a note\n" in text
    assert " - mine.py:Rope on cpu (dtypes): no tensor is shown\n" in text
    assert text.endswith("6 rows: 2 agree, 3 disagree, 1 skipped\n")


def test_markdown_says_the_same() -> None:
    text = formats.render("markdown", "context")(FOUND, Display())
    assert "| bfloat16 | 22 | 3.07 | - | - | ✗ disagrees |" in text
    assert "<summary>✗ mine.py:Rope disagrees: meta</summary>" in text


def test_a_narrow_ascii_screen_is_enough() -> None:
    text = formats.render("table", "context")(FOUND, Display(width=60, ascii=True))
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 90  # the headline alone is never broken


def test_json_is_read_back_as_it_was() -> None:
    text = formats.render("json", "context")(FOUND, Display())
    assert json.loads(text)["schema"] == "rotcheck/context/1"
    assert msgspec.json.decode(text, type=Context) == FOUND


def test_an_interrupted_run_says_how_far_it_came() -> None:
    found = context(reach(), interrupted=True, planned=11)
    text = formats.render("table", "context")(found, Display())
    assert text.endswith("interrupted: 1 of 11 rows: 1 agree\n")


def test_it_is_shown_as_a_document_and_as_data_and_has_no_alerts_or_suites() -> None:
    assert {"json", "markdown", "table"} <= set(formats.names("context"))
    assert not {"github", "junit", "sarif"} & set(formats.names("context"))


@pytest.mark.parametrize("name", ["curve.svg", "curve.png"])
def test_the_picture_is_written(name: str, tmp_path: Path) -> None:
    curves.draw(FOUND, str(tmp_path / name))
    data = (tmp_path / name).read_bytes()
    assert data.startswith(b"\x89PNG" if name.endswith("png") else b"<?xml")


def test_the_picture_has_a_line_for_each_condition_with_phases(tmp_path: Path) -> None:
    curves.draw(FOUND, str(tmp_path / "curve.svg"))
    text = (tmp_path / "curve.svg").read_text()
    for said in ("constructed", "bfloat16", "matmul-high (emulated)", "position", "phase error"):
        assert said in text
    assert ">dtypes<" not in text


def test_conditions_that_are_the_same_share_a_line_as_they_would_hide_each_other(
    tmp_path: Path,
) -> None:
    further = (*reach().phases, Phase(position=131071, error=1e-3))
    same = (reach(), reach("autocast"), reach("grown", phases=further))
    lost = reach("meta", verdict="disagrees", phases=(Phase(position=1, error=None),))
    others = (reach("dtypes", phases=(Phase(position=1, error=2e-7),)), WRONG, lost)
    curves.draw(context(*same, *others), str(tmp_path / "curve.svg"))
    text = (tmp_path / "curve.svg").read_text()
    legend = text[text.index('id="legend_1"') :]
    assert re.findall(r">([^<>\n]+)</(?:text|tspan)>", legend) == [
        "constructed,", "autocast,", "grown", "dtypes", "bfloat16", "meta (×: no rotation)",
    ]  # fmt: skip
    assert ">claims 8192<" in text


def test_a_picture_of_nothing_is_empty_and_no_error(tmp_path: Path) -> None:
    curves.draw(context(reach(verdict="skipped", phases=())), str(tmp_path / "empty.svg"))
    assert (tmp_path / "empty.svg").exists()
