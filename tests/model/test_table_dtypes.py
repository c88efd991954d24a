"""Tables of another dtype than the values: complex ones stay complex, rounded ones are told."""

from pathlib import Path

import pytest

import rotcheck
from rotcheck.results import ModelReport

MODELS = Path(__file__).parent / "table_dtypes.py"


def report_of(factory: str, *ways: str) -> ModelReport:
    return rotcheck.model(f"{MODELS}:{factory}", devices=["cpu"], ways=ways)


def verdicts(report: ModelReport) -> dict[str, str]:
    return {row.kind: row.verdict for row in report.rows}


@pytest.mark.parametrize(
    ("factory", "dtype"), [("complex_table", "float32"), ("narrow_model", "bfloat16")]
)
def test_a_model_runs_in_the_dtypes_that_its_factory_made(factory: str, dtype: str) -> None:
    report = report_of(factory)
    assert set(verdicts(report).values()) == {"agrees"}
    assert {row.dtype for row in report.rows} == {dtype}
    (rotation,) = (row for row in report.rows if row.kind == "rotation")
    assert (rotation.does, rotation.angles) == (
        "x: interleaved, 16 lanes", "Plain(theta=10000.0)",
    )  # fmt: skip


def test_complex_tables_by_which_nothing_is_seen_to_turn_are_no_check_mark() -> None:
    assert set(verdicts(report_of("made_table")).values()) == {"agrees"}
    report = report_of("blend")
    assert verdicts(report)["tables"] == "agrees"
    assert report.exit_code() == 1
    assert "complex tables were made" in (report.rows[-1].message or "")


def test_tables_that_were_rounded_are_named_and_their_gradient_is_not_accused() -> None:
    report = report_of("rounded_table")
    (rotation,) = (row for row in report.rows if row.kind == "rotation")
    assert (rotation.finding, rotation.angles) == ("low-precision", "Plain(theta=10000.0)")
    assert "its cos and sin were rounded to bfloat16" in (rotation.message or "")
    assert verdicts(report)["backward"] == "agrees"


def test_a_model_that_is_not_made_for_a_way_is_not_wrong() -> None:
    (way,) = report_of("cache_of_float32", "autocast").ways
    assert way.verdict == "skipped"
    assert "it raises RuntimeError: Index put requires" in (way.message or "")
    assert "(table_dtypes.py:" in (way.message or "")


def test_a_rotation_that_raises_in_a_way_is() -> None:
    (way,) = report_of("refuses_autocast", "autocast").ways
    assert way.verdict == "raises"
    assert "the rotation is for float32 alone" in (way.message or "")


def test_a_rotation_in_a_narrower_dtype_is_named_and_its_gradient_is_as_exact_as_it() -> None:
    report = report_of("narrow_rotation")
    assert verdicts(report) | {"rotation": "disagrees"} == verdicts(report)
    assert {row.finding for row in report.rows if row.finding} == {"low-precision"}
    assert verdicts(report)["backward"] == "agrees"


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("for_inference", "nothing that the model returns requires a gradient"),
        ("not_initialised", "they were not initialised"),
    ],
)
def test_a_model_that_cannot_be_trained_as_it_is_is_not_accused(factory: str, words: str) -> None:
    *_, last = report_of(factory).rows
    assert (last.kind, last.verdict) == ("backward", "skipped")
    assert words in (last.message or "")
