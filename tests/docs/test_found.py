"""What docs/what-we-found.md says is what its command prints, and its snippets still show."""

import importlib.util
import runpy
from pathlib import Path
from types import ModuleType

import pytest

import rotcheck

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "what-we-found.md").read_text()


def _command() -> ModuleType:
    spec = importlib.util.spec_from_file_location("what_we_found", DOCS / "what_we_found.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMMAND = _command()
HERE = "transformers"  # of the libraries with snippets the one that the tests install
SNIPPETS = [file for library in COMMAND.LIBRARIES for file in COMMAND.snippets(library)]


def code_of(snippet: Path) -> str:
    return snippet.read_text().partition('"""\n\n')[2]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_snippet_stands_on_the_page(snippet: Path) -> None:
    assert f"```python\n{code_of(snippet)}```\n\n```\n" in PAGE


@pytest.mark.parametrize("snippet", COMMAND.snippets(HERE), ids=lambda file: file.stem)
def test_a_snippet_prints_what_the_page_shows(
    snippet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = code_of(snippet)
    runpy.run_path(str(snippet))
    printed = capsys.readouterr().out
    assert printed
    assert f"{code}```\n\n```\n{printed}```\n" in PAGE


def test_each_library_has_a_section_or_is_told_as_not_tried() -> None:
    sections = {found["name"] for found in COMMAND.SECTION.finditer(PAGE)}
    untried = PAGE.partition("No section was made yet of ")[2].strip(".\n").split(", ")
    assert sections | {*untried} >= {*COMMAND.LIBRARIES}
    assert not {*COMMAND.LIBRARIES} & sections & {*untried}


@pytest.mark.parametrize("name", ["esm.rotary_embedding:apply_rotary_pos_emb"])
def test_a_function_has_the_row_that_the_page_shows(name: str) -> None:
    assert COMMAND.row(name, COMMAND.function_cells(rotcheck.identify(name))) in PAGE


def test_a_model_has_the_row_that_the_page_shows() -> None:
    name = "fair_esm_models.py:esm2"
    assert COMMAND.row(name, COMMAND.model_cells("fair-esm", name)) in PAGE


def test_sections_that_are_not_made_again_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COMMAND, "section", lambda library: f"## {library} 2\n\nnew\n")
    before = "# What\n\n## transformers 1\n\nold\n\n## diffusers 1\n\nold\n\n## Without a section\n\nx.\n"
    made = COMMAND.page(["diffusers"], before)
    assert "## transformers 1\n\nold\n" in made
    assert "## diffusers 2\n\nnew\n" in made
    assert "diffusers" not in made.partition("## Without a section\n")[2]
    assert "litgpt" in made.partition("## Without a section\n")[2]
    assert COMMAND.page(["diffusers"], made) == made


def test_the_page_is_as_the_command_writes_it() -> None:
    assert COMMAND.page([], PAGE) == PAGE
