"""The decision: every finding is a no, and so is whatever did not run and was not excused."""

import pytest
from msgspec.structs import replace
from samples import cell, cells, checked, healthy, report

from rotcheck.preflight.decision import Decision, decide
from rotcheck.preflight.policy import DEFAULT
from rotcheck.results import Cell, Description, Report

EXCUSING = replace(DEFAULT, may_be_unavailable=("flash-attn", "cuda"))


def decided(*found: Cell, **more: object) -> Decision:
    return decide(EXCUSING, report([cell(), *found], **more))


def test_a_report_in_which_all_agrees_lets_the_job_start() -> None:
    decision = decide(DEFAULT, report(cells("native")))
    assert decision.may_start
    assert decision.exit_code() == 0
    assert decision.violations == ()
    assert decision.headline() == (
        "rotcheck preflight: this job may start - 28 cells agree on cpu (policy: built in)"
    )


@pytest.mark.parametrize("verdict", ["disagrees", "raises", "crashes", "hangs"])
@pytest.mark.parametrize("device", ["cpu", "cuda:0", "meta"])
def test_every_finding_is_a_no_and_nothing_excuses_it(verdict: str, device: str) -> None:
    decision = decided(
        cell("flash-attn", device=device, verdict=verdict, message="why", stand_in=device == "meta")
    )
    assert not decision.may_start
    assert decision.exit_code() == 1
    assert [(each.verdict, each.reason) for each in decision.violations] == [(verdict, "why")]


@pytest.mark.parametrize("name", ["native", "flash-attn"])
def test_what_was_not_identified_is_a_no_that_nothing_excuses_and_no_finding(name: str) -> None:
    unknown = cell(name, verdict="unidentified", message="no answer within 20 s", fix="declare it")
    decision = decided(unknown)
    assert (decision.may_start, decision.exit_code()) == (False, 1)
    assert decision.violations[0].reason == "not identified: no answer within 20 s; declare it"
    assert decision.page().violations == ()  # it has its own place in a report
    assert decide(EXCUSING, report([unknown])).exit_code() == 1


@pytest.mark.parametrize("verdict", ["unavailable", "skipped"])
def test_what_did_not_run_is_a_no(verdict: str) -> None:
    decision = decided(cell("native", device="mps", verdict=verdict, message="why"))
    assert not decision.may_start
    assert decision.exit_code() == 1
    assert decision.violations[0].reason.startswith(f"{verdict}: why")
    assert (
        "this job must not start: 1 of 2 cells does not hold: native on mps" in decision.headline()
    )


@pytest.mark.parametrize(
    ("name", "device"), [("flash-attn", "cpu"), ("native", "cuda:0"), ("native", "cuda")]
)
def test_what_may_be_unavailable_is_excused(name: str, device: str) -> None:
    decision = decided(cell(name, device=device, verdict="unavailable", message="why"))
    assert decision.may_start
    assert decision.exit_code() == 0
    assert "1 cell agrees on cpu, 1 did not run and need not" in decision.headline()


def test_what_a_stand_in_cannot_answer_is_allowed() -> None:
    assert decided(cell(device="meta", verdict="skipped", stand_in=True)).may_start


def test_a_stand_in_that_is_unavailable_is_not_excused() -> None:
    assert not decided(cell(device="interpreter", verdict="unavailable", stand_in=True)).may_start


def test_a_maker_of_tables_is_judged_where_its_file_is_checked_and_else_lets_no_job_start() -> None:
    maker = cell("model.py:Rotary", verdict="skipped", check="convention")
    identification = checked().conventions[0]
    makes = replace(
        identification, specification="model.py:Rotary", convention=Description(kind="builds")
    )
    found = report([cell(), maker], conventions=(makes,))
    assert "`files` of the policy" in decide(EXCUSING, found).violations[0].reason
    right = checked(answer="right", parts=(replace(checked().parts[0], name="model.py:Rotary"),))
    assert decide(EXCUSING, found, [right]).may_start
    other = checked(answer="right", parts=(replace(checked().parts[0], name="model.py:Other"),))
    assert not decide(EXCUSING, found, [other]).may_start


def test_nothing_ran_is_never_success() -> None:
    for found in ([cell("flash-attn", verdict="unavailable")], []):
        decision = decide(EXCUSING, report(found))
        assert not decision.may_start
        assert decision.exit_code() == 5


def test_an_interrupted_run_is_never_success() -> None:
    decision = decided(interrupted=True, planned=9)
    assert not decision.may_start
    assert decision.exit_code() == 130
    assert "interrupted after 1 of 9 cells" in decision.headline()


def test_many_culprits_are_counted() -> None:
    found = [cell(f"i{n}", verdict="raises", message="x") for n in range(9)]
    assert (
        decided(*found)
        .headline()
        .endswith(
            "9 of 10 cells do not hold: i0 on cpu, i1 on cpu, i2 on cpu and 6 more (policy: built in)"
        )
    )


def test_the_page_marks_only_what_is_no_finding_by_itself() -> None:
    page = decided(
        cell("a", verdict="raises"), cell("b", verdict="unavailable", message="gone")
    ).page()
    assert page.holds is False
    assert [broken.implementation for broken, _ in page.violations] == ["b"]


def test_the_same_report_is_judged_by_its_policy() -> None:
    found: Report = healthy()
    assert not decide(DEFAULT, found).may_start
    assert decide(EXCUSING, found).may_start
