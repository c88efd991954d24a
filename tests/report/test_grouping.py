"""Findings, notes and reasons are told once each, with all the places where they show."""

from samples import cell, cells, sick

from rotcheck.grouping import group_by
from rotcheck.report import affected_places, findings
from rotcheck.report.findings import CellFinding, details


def told(finding: CellFinding) -> dict[str, str]:
    return {detail.label: detail.text for detail in details(finding)}


def test_one_failure_in_many_cells_is_one_finding() -> None:
    found = findings.findings(sick().cells)
    assert [each.title for each in found] == [
        "seed-native disagrees",
        "torchscript-legacy raises",
        "models/mine.py:rotary crashes",
        "models/mine.py:rotary hangs",
    ]
    assert found[1].where == "meta (stand-in): all dtypes (all checks)"


def test_a_finding_shows_its_worst_cell() -> None:
    assert findings.findings(sick().cells)[0].worst.dtype == "float32"


def test_messages_that_differ_in_figures_only_are_one_finding() -> None:
    said = [
        cell(dtype=d, verdict="disagrees", message=f"off by {e}")
        for d, e in (("a", 3.5), ("b", 4e9))
    ]
    assert len(findings.findings(said)) == 1


def test_different_messages_are_different_findings() -> None:
    said = [
        cell(dtype=d, verdict="raises", message=m, failure="R1")
        for d, m in (("a", "this"), ("b", "that"))
    ]
    assert len(findings.findings(said)) == 2


def test_two_implementations_are_two_findings() -> None:
    said = [cell(name, verdict="raises", message="same") for name in ("a", "b")]
    assert [each.title for each in findings.findings(said)] == ["a raises", "b raises"]


def test_healthy_cells_are_no_finding() -> None:
    assert findings.findings(cells("native")) == []


def test_details_come_in_the_order_of_reading() -> None:
    known = told(findings.findings(sick().cells)[0])
    assert list(known) == ["what", "error", "cause", "fix", "more"]
    assert (
        known["error"]
        == "3e+07 rounding steps in float32 forward at batch 1, row 3, head 2, pair 5"
    )
    assert known["more"] == "rotcheck explain N12"


def test_the_innermost_frame_is_named() -> None:
    assert (
        told(findings.findings(sick().cells)[1])["at"]
        == "rotcheck/implementations/builtin/torchscript.py:31 in apply"
    )


def test_another_path_than_its_own_is_told_with_its_reason() -> None:
    found = cells("fallback", path="native", note="flash-attn cannot run here") + cells(
        "native", path="native"
    )
    assert findings.paths(found) == ["fallback ran native on cpu: flash-attn cannot run here"]


def test_a_path_is_told_for_each_that_ran() -> None:
    found = [*cells("fallback", path="native"), *cells("fallback", "cuda:0", path="flash-attn-qkv")]
    assert findings.paths(found) == [
        "fallback ran native on cpu",
        "fallback ran flash-attn-qkv on cuda:0",
    ]


def test_a_note_is_told_once_for_all_who_have_it() -> None:
    found = cells("a", note="2.4 units") + cells("b", note="2.6 units")
    assert list(map(str, findings.notes(found))) == ["a, b on cpu: 2.4 units"]


def test_a_reason_is_told_once_for_all_who_have_it() -> None:
    found = [*cells("native"), *cells("x", verdict="unavailable", message="no GPU")]
    found += cells("y", "mps", verdict="unavailable", message="no GPU")
    assert list(map(str, findings.reasons(found, "unavailable"))) == ["x, y on cpu, mps: no GPU"]


def test_reasons_that_differ_in_figures_only_are_one() -> None:
    said = [
        cell(name, verdict="skipped", message=f"{lanes} lanes")
        for name, lanes in (("a", 16), ("b", 32))
    ]
    assert list(map(str, findings.reasons(said, "skipped"))) == [
        "a, b on cpu float32 (forward): 16 lanes"
    ]


def test_of_many_who_have_the_same_reason_the_first_are_named_and_the_others_counted() -> None:
    said = [cell(f"f{at}", verdict="unavailable", message="no GPU") for at in range(12)]
    few = findings.reasons(said[:9], "unavailable")
    many = findings.reasons(said, "unavailable")
    assert [remark.names for remark in few] == ["f0, f1, f2, f3, f4, f5, f6, f7, f8"]
    assert [remark.names for remark in many] == ["f0, f1, f2, f3, f4, f5 and 6 more"]


def test_places_say_all_only_when_all_are_meant() -> None:
    everything = cells("native")
    some = [each for each in everything if each.dtype == "float32" or each.check == "dtype"]
    assert affected_places.places(everything, everything) == "cpu: all dtypes (all checks)"
    assert (
        affected_places.places(some, everything)
        == "cpu: float32 (all checks); cpu: all dtypes but float32 (dtype)"
    )


def test_places_name_what_is_left_out_where_that_is_little() -> None:
    everything = cells("native")
    most = [each for each in everything if each.check != "offset"]
    assert affected_places.places(most, everything) == "cpu: all dtypes (all checks but offset)"
    half = [each for each in everything if each.dtype in ("float32", "float64")]
    assert affected_places.places(half, everything) == "cpu: float32, float64 (all checks)"


def test_places_of_one_kind_on_two_devices_are_one() -> None:
    found = [cell(device=device) for device in ("cpu", "cuda:0")]
    assert affected_places.places(found, found) == "cpu, cuda:0: float32 (forward)"


def test_of_q_k_and_v_the_one_that_is_furthest_off_is_named() -> None:
    worst = cell(
        error=9.0, verdict="disagrees", where={"qkv": 1, "batch": 0, "row": 3, "head": 2, "pair": 5}
    )
    assert (
        findings.worst_error(worst)
        == "9.00 rounding steps in float32 forward at k, batch 0, row 3, head 2, pair 5"
    )


def test_things_of_one_key_stand_together_in_the_order_of_their_first() -> None:
    assert group_by(["ab", "c", "de", "f"], len) == {2: ["ab", "de"], 1: ["c", "f"]}
    assert group_by([], len) == {}
