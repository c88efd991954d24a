"""What docs/what-we-found.md says is defective, its snippets still show."""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SNIPPETS = sorted((DOCS / "found").glob("*.py"))


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda file: file.stem)
def test_a_snippet_prints_what_the_page_shows(
    snippet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(str(snippet))
    page = (DOCS / "what-we-found.md").read_text()
    printed = capsys.readouterr().out
    assert printed
    assert f"```\n{printed}```\n" in page
    assert snippet.read_text().partition('"""\n\n')[2] in page
