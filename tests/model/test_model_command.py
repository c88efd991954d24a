"""`rotcheck model` as people run it: what it finds in a model, exit codes, files, what is
refused."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import rotcheck
from rotcheck.errors import RequestError
from rotcheck.report.document import Section
from rotcheck.report.pages.model import document
from rotcheck.results import ModelReport, WeightsFit, WeightsRow

HERE = Path(__file__).parent
ROTCHECK = [sys.executable, "-m", "rotcheck", "model"]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ROTCHECK, *arguments], capture_output=True, text=True, cwd=cwd, timeout=240, check=False
    )


def of(factory: str) -> ModelReport:
    return rotcheck.model(f"{HERE / 'decoders.py'}:{factory}", devices=["cpu"])


def found(report: ModelReport) -> set[tuple[str, str | None]]:
    """What is not right: of which kind of row, and the code of it."""
    rows = [(row.kind, row) for row in report.rows]
    rows += [("declared", row) for row in report.declared]  # type: ignore[misc]
    return {(kind, row.finding) for kind, row in rows if row.verdict != "agrees"}


@pytest.fixture(scope="module")
def right() -> ModelReport:
    return of("right")


def test_each_piece_of_rotary_code_is_a_row_and_right(right: ModelReport) -> None:
    assert found(right) == set()
    assert right.exit_code() == 0
    rows = {(row.kind, row.function): row for row in right.rows}
    rotation = rows["rotation", "rotate"]
    assert (rotation.calls, rotation.modules) == (2, "layers.{0,1}")
    assert rotation.does == "q, k: half, 16 lanes"
    assert rotation.angles == "Plain(theta=10000.0)"
    assert rotation.error is not None
    assert rotation.error < 2
    assert rows["tables", "Tables.forward"].right_to == 131071
    assert ("attention", "scaled_dot_product_attention") in rows


def test_the_configuration_is_held_against_what_runs(right: ModelReport) -> None:
    (row,) = right.declared
    assert (row.declared, row.done) == ("Plain(theta=10000.0), 16 lanes",) * 2
    assert row.keys["rope_theta"] == "10000.0"


def test_a_theta_that_is_not_read_is_named() -> None:
    report = of("other_theta")
    assert found(report) == {("declared", "config")}
    (row,) = report.declared
    assert row.parts_at is not None
    assert "rope_theta" in (row.message or "")
    assert report.exit_code() == 1


@pytest.mark.parametrize(
    ("factory", "kind", "finding"),
    [("summed", "rotation", "one-sign"), ("twice", "declared", "config")],
)
def test_a_wrong_rotation_is_found_in_the_call_that_the_model_makes(
    factory: str, kind: str, finding: str
) -> None:
    report = of(factory)
    assert (kind, finding) in found(report)
    assert report.exit_code() == 1


def test_a_model_that_turns_nothing_is_not_called_right() -> None:
    report = of("without_rotation")
    assert report.exit_code() == 1
    assert "agrees" not in {row.verdict for row in report.rows if row.kind == "rotation"}


@pytest.mark.parametrize(("factory", "verdict"), [("raises", "raises"), ("dies", "crashes")])
def test_a_model_that_cannot_be_built_is_a_row(factory: str, verdict: str) -> None:
    (row,) = of(factory).rows
    assert row.verdict == verdict


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(RequestError, match="nothing_here"):
        of("nothing_here")
    with pytest.raises(RequestError, match="no-such-architecture"):
        rotcheck.model("transformers:no-such-architecture")


def test_the_command_writes_what_it_shows_without_paths(tmp_path: Path) -> None:
    done = run(f"{HERE / 'decoders.py'}:other_theta", "-o", "found.json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "rope_theta" in done.stdout
    assert str(HERE) not in done.stdout + (tmp_path / "found.json").read_text()
    report = json.loads((tmp_path / "found.json").read_text())
    assert report["schema"] == "rotcheck/model/1"


def test_the_page_of_a_report_has_each_row(right: ModelReport) -> None:
    texts = str(document(right))
    assert all(row.function.removesuffix(".forward") in texts for row in right.rows)


def test_ways_that_are_closed_for_one_reason_share_a_line(right: ModelReport) -> None:
    text = str(document(right))
    closed = [way for way in right.ways if "takes no attention_mask" in (way.message or "")]
    assert len(closed) > 1
    assert text.count("takes no attention_mask") == 1
    assert ", ".join(way.way for way in closed) in text


def titles(report: ModelReport) -> list[str]:
    return [part.title for part in document(report).parts if isinstance(part, Section)]


def test_the_configuration_is_shown_once_where_all_dtypes_agree_and_else_for_each(
    right: ModelReport,
) -> None:
    replace = msgspec.structs.replace
    (row,) = right.declared
    assert (row.device, row.dtype) == ("cpu", "float32")
    narrow = replace(row, dtype="bfloat16")
    alike = replace(right, declared=(row, narrow))
    assert titles(alike).count("config against behaviour") == 1
    bad = replace(narrow, verdict="disagrees", done="no known schedule", message="rounded")
    other = replace(right, declared=(row, bad))
    places = [f"config against behaviour, on cpu in {dtype}" for dtype in ("float32", "bfloat16")]
    assert [title for title in titles(other) if "config" in title] == places
    assert other.exit_code() == 1


def test_the_weights_are_shown_for_each_dtype(right: ModelReport) -> None:
    change = WeightsRow(
        kind="rotation", change="none", loss=3.0, difference=1.0, noise=0.1, fits="worse"
    )
    fits = [
        WeightsFit(device="cpu", dtype=dtype, loss=loss, rows=(change,), verdict="agrees")
        for dtype, loss in (("float32", 2.0), ("bfloat16", 2.1))
    ]
    shown = titles(msgspec.structs.replace(right, weights=tuple(fits)))
    assert [title.rpartition(" in ")[2] for title in shown if "weights" in title] == [
        "float32",
        "bfloat16",
    ]
