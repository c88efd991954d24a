"""Markdown: what a stranger's message holds is shown and never acts."""

import json
import re

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from samples import cell, cells, healthy, probe, report, sick, with_pairs

from rotcheck.report import formats, markdown_text
from rotcheck.report.document import Display
from rotcheck.report.pages.comparison import Comparison
from rotcheck.results import Report

HOSTILE = (
    "| a | b |",
    "`</details>` </details><script>alert(1)</script>",
    "```\n</details>\n```` \n# heading",
    "<!-- hidden",
    "*bold* _it_ [link](https://evil.example) ![image](https://evil.example)",
    "@torch.jit.script",
    "\x1b[31m\x00\u202e\ud800",
    "~~~\n</details>",
    "a \\| b \\`",
    "- [ ] task\n> quote\n1. list",
)


def shown(found: Report) -> str:
    return formats.render("markdown", "comparison")(Comparison(found), Display())


def parsed(text: str) -> list[Token]:
    """Return the tokens as GitHub reads them."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)


def acting(text: str) -> list[str]:
    """Return what acts beyond words: HTML, links, images, emphasis, headings."""
    kinds = {
        "link_open",
        "image",
        "em_open",
        "strong_open",
        "html_inline",
        "html_block",
        "heading_open",
    }
    tokens = [token for token in parsed(text)]
    inner = [child for token in tokens for child in token.children or ()]
    return [token.content or token.markup for token in [*tokens, *inner] if token.type in kinds]


@pytest.mark.parametrize("message", HOSTILE)
def test_a_hostile_message_changes_nothing_around_it(message: str) -> None:
    harmless = shown(report([cell(verdict="raises", message="harmless", cause="c", note="n")]))
    hostile = shown(report([cell(verdict="raises", message=message, cause="c", note="n")]))
    assert acting(hostile) == acting(harmless)


@pytest.mark.parametrize("message", HOSTILE)
@pytest.mark.parametrize("place", ["cause", "fix"])
def test_a_hostile_cause_changes_nothing_around_it(message: str, place: str) -> None:
    harmless = shown(report([cell(verdict="raises", message="m", **{place: "harmless"})]))
    hostile = shown(report([cell(verdict="raises", message="m", **{place: message})]))
    assert acting(hostile) == acting(harmless)


@pytest.mark.parametrize("message", HOSTILE)
@pytest.mark.parametrize("verdict", ["unavailable", "skipped", "agrees"])
def test_a_hostile_reason_or_note_changes_nothing_around_it(message: str, verdict: str) -> None:
    harmless = shown(report([cell(verdict=verdict, message="harmless", note="harmless")]))
    hostile = shown(report([cell(verdict=verdict, message=message, note=message)]))
    assert acting(hostile) == acting(harmless)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_keeps_the_table_in_shape(name: str) -> None:
    tokens = parsed(
        shown(report([cell(name, verdict="raises", message="m"), cell(name, dtype="float16")]))
    )
    assert [token.type for token in tokens].count("td_open") == 3


def test_the_escaping_does_not_hide_a_planted_fault() -> None:
    """Without escaping, `acting` sees the difference: the tests above can fail."""
    assert acting("x </details> [a](b) *c*") != acting("x")


def test_what_is_escaped_still_reads_the_same() -> None:
    for text in HOSTILE[:6]:
        tokens = parsed(markdown_text.escape(text))
        read = "".join(child.content for token in tokens for child in token.children or ())
        assert re.sub(r"[`\s]", "", read) == re.sub(r"[`\s]", "", text)


def test_nobody_is_called_by_name() -> None:
    assert "`@torch.jit.script`" in markdown_text.escape("remove @torch.jit.script there")
    assert (
        markdown_text.escape("remove `@torch.jit.script` there")
        == "remove `@torch.jit.script` there"
    )


def test_a_name_with_underscores_inside_is_left_readable() -> None:
    assert markdown_text.escape("rotate_half of x86_64") == "rotate_half of x86_64"


def test_a_fence_is_longer_than_the_backticks_in_it() -> None:
    assert markdown_text.block("a ```` b").startswith("`````text\n")


def test_a_healthy_report_is_a_heading_a_table_and_a_legend() -> None:
    text = shown(healthy())
    assert text.startswith("### rotcheck compare: 140 cells: 112 agree, 28 unavailable\n")
    assert "| implementation | cpu float32 | cpu bfloat16 | cpu float16 | cpu float64 |\n" in text
    assert "| native | ✓ 0.52 | ✓ 1.19 | ✓ 0.75 | ✓ 0.50 |\n" in text


def test_every_section_that_opens_closes() -> None:
    text = shown(report(sick().cells, pairs=with_pairs().pairs))
    assert text.count("<details") == text.count("</details>") == text.count("<summary>") > 5


def test_few_findings_are_unfolded_and_many_are_not() -> None:
    few = report([cell(verdict="raises", message="m")])
    assert "<details open>" in shown(few)
    assert "<details open>" not in shown(sick())


def test_many_columns_become_a_table_for_each_device() -> None:
    found = [one for device in ("cpu", "cuda:0", "mps") for one in cells("native", device)]
    assert shown(report(found)).count("| implementation |") == 3


def test_a_report_too_long_for_github_is_cut_with_a_count() -> None:
    found = [
        cell(f"i{n}", verdict="raises", message=f"{chr(97 + n % 26) * 9} {'é' * 3000}")
        for n in range(200)
    ]
    text = shown(report(found))
    assert len(text) <= 65536
    assert len(text.encode()) < 1 << 20
    assert re.search(r"\d+ more findings left out: the JSON report has all", text)
    assert text.count("<details") == text.count("</details>")


def test_many_long_reasons_are_cut_with_a_count() -> None:
    found = [
        cell(f"i{n}", verdict="unavailable", message=f"{'y' * 400} {'abc'[n % 3] * n}")
        for n in range(300)
    ]
    text = shown(report(found))
    assert len(text) <= 65536 + 20_000
    assert "more lines left out" in text


def test_the_headline_of_the_caller_comes_first() -> None:
    page = Comparison(healthy(), headline="rotcheck preflight: this job may start", holds=True)
    text = formats.render("markdown", "comparison")(page, Display())
    assert text.startswith("### rotcheck preflight: this job may start\n")
    assert text.endswith("140 cells: 112 agree, 28 unavailable\n")


def test_a_probe_is_ready_for_a_bug_report() -> None:
    text = formats.render("markdown", "probe")(probe(), Display())
    assert "| cuda | not built in | this build of torch has no CUDA |" in text
    assert "<details><summary>J1: legacy executor on meta (stand-in) raises</summary>" in text


def test_json_of_the_same_report_has_what_markdown_left_out() -> None:

    found = report([cell(verdict="raises", message="x" * 3900)])
    assert (
        json.loads(formats.render("json", "comparison")(Comparison(found), Display()))["cells"][0][
            "message"
        ]
        == "x" * 3900
    )
