"""What reviewers are shown: annotations of GitHub Actions, SARIF,
and the check of a file in every format."""

import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from msgspec.structs import replace
from samples import cell, checked, healthy, report, sick
from test_junit import check_shape

from rotcheck.report import formats
from rotcheck.report.document import Display
from rotcheck.report.pages.comparison import Comparison
from rotcheck.results import Check

ANNOTATION = re.compile(r"^::(error|warning) (?:file=[^:,]+,(?:line=\d+,)?)?title=[^:,]+::\S.*$")
WIDE = f"print({'x0, ' * 30}x1)"
PLACES = {"models/mine.py:rotary": ("models/mine.py", 7)}


def shown(name: str, found: Check | Comparison) -> str:
    return formats.render(name, "check" if isinstance(found, Check) else "comparison")(
        found, Display()
    )


def test_each_fault_is_an_annotation_beside_the_line_of_its_function() -> None:
    first, *lines = shown("github", checked()).splitlines()
    assert first == "✗ models/model.py, other.py: wrong: Rotary"
    assert all(map(ANNOTATION.match, lines))
    assert lines[0].partition("::after")[0] == (
        "::error file=models/model.py,line=12,title=rotcheck N1%3A model.py%3ARotary"
    )
    assert lines[0].endswith(
        "off by 100%25 at 24%0Acause: inv_freq is a buffer.%0Afix: Keep inv_freq in float32."
    )
    assert lines[1].startswith(
        "::warning title=rotcheck unidentified%3A other.py%3Arope::not understood: no call: none"
    )


def test_a_right_file_has_no_annotation() -> None:
    right = checked(
        answer="right", headline="right to 4,096 in bfloat16", parts=checked().parts[:1]
    )
    assert shown("github", right) == "✓ models/model.py, other.py: right to 4,096 in bfloat16\n"


def test_the_findings_of_a_comparison_are_annotations_too() -> None:
    lines = shown("github", Comparison(sick(), places=PLACES)).splitlines()[1:]
    assert all(map(ANNOTATION.match, lines))
    assert [line for line in lines if line.startswith("::error file=models/mine.py,line=7,title=")]
    assert [line for line in lines if "title=rotcheck J1%3A torchscript-legacy::" in line]
    assert len(shown("github", Comparison(healthy())).splitlines()) == 1


def test_what_was_not_identified_is_a_warning_and_told_once() -> None:
    cells = [
        cell(
            "models/mine.py:rotary",
            verdict="unidentified",
            check=check,
            message="no call of it",
            fix="declare it",
        )
        for check in ("forward", "backward")
    ]
    (line,) = shown("github", Comparison(report(cells), places=PLACES)).splitlines()[1:]
    assert line.startswith("::warning file=models/mine.py,line=7,title=rotcheck unidentified")
    assert line.endswith("not understood: no call of it%0Afix: declare it")


def check_sarif(text: str) -> list[dict[str, Any]]:
    """Assert what SARIF 2.1.0 demands of what we write, and return the results."""
    log = json.loads(text)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "rotcheck"
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(set(rules)) == len(rules)
    assert all(
        rule["shortDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"]
    )
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note", "none")
        assert result["message"]["text"]
        for location in result["locations"]:
            # GitHub refuses a whole log with one result without a file
            place = location["physicalLocation"]
            assert location["logicalLocations"][0]["fullyQualifiedName"]
            assert re.fullmatch(r"(?!/|\.\.|\w+:)[!-~]+", place["artifactLocation"]["uri"])
            assert place.get("region", {}).get("startLine", 1) >= 1
    results: list[dict[str, Any]] = run["results"]
    return results


def test_sarif_has_a_result_for_each_fault_with_its_place_and_its_fix() -> None:
    wrong, unknown = check_sarif(shown("sarif", checked()))
    assert (wrong["ruleId"], wrong["level"], unknown["level"]) == ("N1", "error", "warning")
    assert wrong["message"]["text"].endswith("Fix: Keep inv_freq in float32.")
    place = wrong["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (
        "models/model.py",
        12,
    )
    place = unknown["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "pyproject.toml", "uriBaseId": "%SRCROOT%"}}


def test_a_file_of_any_name_has_an_uri_in_sarif_and_a_name_in_the_others() -> None:
    file = "my models/r\u00f3pe%,:\x1b.py"
    found = checked(parts=tuple(replace(part, file=file, line=3) for part in checked().parts))
    (uri,) = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in check_sarif(shown("sarif", found))
    }
    assert uri == "my%20models/r%C3%B3pe%25%2C%3A%1B.py"
    root = ET.fromstring(shown("junit", found).encode())
    assert next(root.iter("testcase")).get("file") == "my models/r\u00f3pe%,:\\x1b.py"
    annotation = shown("github", found).splitlines()[1]
    assert annotation.startswith("::error file=my models/r\u00f3pe%25%2C%3A\\x1b.py,line=3,title=")


@pytest.mark.parametrize(
    ("page", "results"),
    [
        (Comparison(sick(), places=PLACES), 4),
        (Comparison(healthy()), 0),
        (Comparison(report([]), checks=(checked(),)), 2),
    ],
)
def test_sarif_of_a_comparison_and_of_a_policy(page: Comparison, results: int) -> None:
    assert len(check_sarif(shown("sarif", page))) == results


def test_the_junit_of_a_check_has_a_case_for_each_function() -> None:
    root = ET.fromstring(shown("junit", checked()).encode())
    check_shape(root)
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "2", "0")
    for headline in ("'x.py' has no function", "interrupted"):
        nothing = checked(answer=None, headline=headline, parts=(), conventions=())
        empty = ET.fromstring(shown("junit", nothing).encode())
        check_shape(empty)
        assert empty.get("errors") == "1"  # a suite of no case would pass for success


def test_the_junit_of_a_policy_has_the_functions_of_its_files_too() -> None:
    root = ET.fromstring(shown("junit", Comparison(healthy(), checks=(checked(),))).encode())
    check_shape(root)
    assert [case.get("line") for case in root.iter("testcase") if case.get("file")] == ["3", "12"]


@pytest.mark.parametrize("name", ["table", "markdown"])
def test_a_page_says_the_answer_first_and_the_next_command_last(name: str) -> None:
    text = shown(name, checked())
    assert "✗ models/model.py, other.py: wrong: Rotary" in text.splitlines()[0]
    for said in (
        "models/model.py:12",
        "Keep inv_freq in float32.",
        "print(torch.tensor(257.0).bfloat16())",
    ):
        assert said in text
    for said in ("not understood: no call: none", "rope: not tried: offset"):
        assert said in text
    assert text.rstrip().splitlines()[-1].lstrip(" -") == "`rotcheck explain N1`"


def test_a_cause_that_stands_above_is_not_told_again() -> None:
    part = checked().parts[1]
    fault = replace(part.faults[0], message="elsewhere")
    again = checked(parts=(part, replace(part, name="model.py:Other", faults=(fault,))))
    text = shown("table", again)
    assert text.count("inv_freq is a buffer.") == 1
    assert "as above, for N1" in text


@pytest.mark.parametrize("name", ["table", "markdown", "junit"])
def test_python_that_shows_a_mistake_is_never_cut(name: str) -> None:
    code = "\n".join(["import torch", *(f"x{line} = torch.ones(1)" for line in range(200)), WIDE])
    wrong = replace(checked().parts[1].faults[0], demonstration=code)
    found = checked(
        parts=(replace(checked().parts[1], faults=(wrong,)),),
        conventions=checked().conventions[1:2],
    )
    text = shown(name, found)
    assert "x199 = torch.ones(1)" in text
    assert WIDE in text  # on one line, however wide: what is folded cannot be run
