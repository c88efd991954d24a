"""Formats are found by their names and by the suffixes of files; JSON is the report itself."""

import json
import re
from pathlib import Path

import pytest
from samples import cell, healthy, probe, report

from rotcheck.diagnose import get
from rotcheck.errors import RequestError
from rotcheck.report import formats, pages
from rotcheck.report.document import Display
from rotcheck.report.pages.comparison import Comparison
from rotcheck.results import from_json, schema


def test_formats_are_the_files_of_the_folder() -> None:
    files = {file.stem for file in Path(formats.__file__).parent.glob("[!_]*.py")}
    assert {name for kind in pages.kinds() for name in formats.names(kind)} == files


def test_a_format_shows_what_has_what_it_reads() -> None:
    """`junit` reads suites, `github` and `sarif` read alerts."""
    assert {"github", "junit", "sarif"} <= set(formats.names("comparison"))
    assert {"github", "junit", "sarif"} & set(formats.names("scan")) == {"github", "sarif"}
    assert not {"github", "junit", "sarif"} & {*formats.names("probe"), *formats.names("failures")}


@pytest.mark.parametrize("kind", pages.kinds())
def test_every_kind_of_result_is_a_document_and_data(kind: str) -> None:
    assert {"json", "markdown", "table"} <= set(formats.names(kind))
    assert pages.word(kind).startswith(("a ", "an "))


def test_every_kind_of_result_has_a_schema() -> None:
    """A list of failures is none: each entry is knowledge and no result."""
    types = pages.results()
    assert len(types) == len(pages.kinds()) - 1
    for name, result in types.items():
        fields = schema(result)["$defs"][result.__name__]["properties"]
        assert fields["schema"]["default"] == f"rotcheck/{name}/1"


def test_a_new_file_is_a_new_format(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shout.py").write_text(  # type: ignore[operator]
        "SUFFIX = '.shout'\nREADS = 'suites'\n"
        "def render(suites, display): return ' '.join(suite.name for suite in suites)\n"
    )
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    assert "shout" in formats.names("comparison")
    assert "shout" not in formats.names("probe")
    assert formats.of_file("x.SHOUT", "comparison", "json") == "shout"
    shown = formats.render("shout", "comparison")(Comparison(report([cell()])), Display())
    assert shown == "native on cpu"


@pytest.mark.parametrize(
    ("path", "format"),
    [
        ("a.json", "json"),
        ("a.MD", "markdown"),
        ("b/c.xml", "junit"),
        ("d.txt", "table"),
        ("e", "otherwise"),
    ],
)
def test_a_suffix_names_a_format(path: str, format: str) -> None:
    assert formats.of_file(path, "comparison", "otherwise") == format


def test_an_unknown_suffix_is_refused_with_the_known_ones() -> None:
    suffixes = ", ".join(map(formats.suffix, formats.names("comparison")))
    with pytest.raises(RequestError, match=rf"'\.jsn'.*{re.escape(suffixes)}.*'\.json'"):
        formats.of_file("a.jsn", "comparison", "table")


def test_an_unknown_format_is_refused_with_the_nearest_one() -> None:
    possible = ", ".join(formats.names("comparison"))
    with pytest.raises(RequestError, match=rf"'jsn'.*{possible}.*'json'"):
        formats.check("jsn", "comparison")


def test_a_format_that_cannot_show_it_is_refused() -> None:
    with pytest.raises(RequestError, match=r"no format 'junit' for a probe"):
        formats.of_file("a.xml", "probe", "table")


def test_json_reads_back_as_the_report() -> None:
    assert (
        from_json(formats.render("json", "comparison")(Comparison(healthy()), Display()))
        == healthy()
    )


def test_json_of_a_probe_has_its_schema() -> None:
    assert (
        json.loads(formats.render("json", "probe")(probe(), Display()))["schema"]
        == "rotcheck/probe/1"
    )


def test_json_of_failures_is_a_list() -> None:
    assert [
        each["id"]
        for each in json.loads(formats.render("json", "failures")([get("J1")], Display()))
    ] == ["J1"]


def test_json_has_no_nan() -> None:
    text = formats.render("json", "comparison")(
        Comparison(report([cell(error=float("nan"))])), Display()
    )
    assert json.loads(text, parse_constant=pytest.fail)["cells"][0]["error"] is None


def test_json_survives_half_a_surrogate_pair() -> None:
    read = json.loads(
        formats.render("json", "comparison")(
            Comparison(report([cell("a\udc80", verdict="raises", message="\udfff")])), Display()
        )
    )
    assert read["schema"] == "rotcheck/report/1"
    assert (read["cells"][0]["implementation"], read["cells"][0]["message"]) == (
        "a\\udc80",
        "\\udfff",
    )
