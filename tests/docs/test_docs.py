"""Every command of the docs is run, and what the docs say in code is held against the code."""

import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rotcheck
from rotcheck.bench import qkv_shapes
from rotcheck.compare.plan import check_names
from rotcheck.implementations.libraries.library_table import LIBRARIES
from rotcheck.results import FINDINGS, VERDICTS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROMPT = re.compile(r"^\$ (.*)$", re.MULTILINE)
INDENTED_EXAMPLE = re.compile(r"^    (rotcheck .*)$", re.MULTILINE)
INSTALLS = re.compile(r"pip install|tests/run\.sh|pytest")
LINK = re.compile(r"\]\((?!http)([^)#]+)")

COMMANDS = sorted(
    {
        command.partition("  #")[0].strip()
        for page in PAGES
        for pattern in (PROMPT, INDENTED_EXAMPLE)
        for command in pattern.findall(page.read_text())
        if not INSTALLS.search(command)
    }
)
IN_FULL = "rotcheck compare"  # test_readme.py runs it, and holds all that it prints
COMMAND_NAMES = sorted(
    file.stem for file in (ROOT / "rotcheck" / "cli" / "commands").glob("[!_]*.py")
)
SMALL = "--shape 2x10x3x8x64 --dtype float32 --pass forward --seconds 0.02"
FUNCTION = (
    "import torch\n\n\ndef function(qkv, cos, sin):\n"
    "    a, b = qkv.chunk(2, -1)\n    return qkv * cos + torch.cat((-b, a), -1) * sin\n"
)


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder that has what the examples name."""
    for file in ("path/to/file.py", "package/module.py", "mine.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(FUNCTION)
    (tmp_path / "train.py").write_text(
        "raise NotImplementedError('Unknown device for graph fuser')\n"
    )
    (tmp_path / "log").write_text("RuntimeError: LLVM Backend not found\n")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("docs", "tests"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    return tmp_path


def test_the_docs_have_commands_to_run() -> None:
    assert len(COMMANDS) >= 8
    assert IN_FULL in COMMANDS


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != IN_FULL])
def test_a_command_of_the_docs_runs(command: str, workplace: Path) -> None:
    # benchmarks, cut from minutes to seconds
    once = re.sub(r"(tests/benchmarks/\S+) \d+$", r"\1 1", command)
    once = once.replace("bench rotcheck native-compiled", f"bench rotcheck torchscript {SMALL}")
    if "rotcheck bench" in once:
        once = re.sub(r"--shape \S+", "--shape 2x10x3x8x64", once)
        once = re.sub(r"--seconds \S+", "--seconds 0.02", once)
    done = subprocess.run(
        ["bash", "-c", once], capture_output=True, text=True, cwd=workplace, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout


def test_every_shape_of_the_docs_is_one_that_can_be_timed() -> None:
    """The commands above are run with a small one in their place."""
    given = [shape for command in COMMANDS for shape in re.findall(r"--shape (\S+)", command)]
    assert [str(qkv_shapes.parse(shape)) for shape in given] == given != []


def test_the_examples_of_the_rotary_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "rotary.md").read_text(), re.DOTALL
    )
    exec("".join(blocks), {})
    assert len(blocks) >= 3
    assert capsys.readouterr().out.startswith("cpu-kernel: ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert [link for link in LINK.findall(prose) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_path_of_the_machine_it_was_written_on(page: Path) -> None:
    assert re.search(r"/(work|root|home|tmp)/", page.read_text()) is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_is_what_its_command_printed(page: Path) -> None:
    shown = re.findall(r"<!-- output: (.*) -->\n```console\n\$ (.*)\n(.*)", page.read_text())
    assert all(command == prompt and output for command, prompt, output in shown)


def test_every_verdict_has_its_section() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "verdicts.md").read_text(), re.MULTILINE)
    assert sections == [
        *(v for v in VERDICTS if v == "agrees"),
        *FINDINGS,
        "unavailable",
        "skipped",
        "unidentified",
    ]


def test_the_checks_stand_in_the_docs_as_in_their_files() -> None:
    text = (ROOT / "docs" / "checks.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == check_names()
    assert runpy.run_path(str(ROOT / "docs" / "refresh.py"))["refreshed"](text) == text


def test_the_libraries_stand_in_the_docs_as_in_their_entries() -> None:
    refreshed = runpy.run_path(str(ROOT / "docs" / "refresh.py"))["refreshed"]
    text = (ROOT / "docs" / "libraries.md").read_text()
    _, _, behind = text.partition("<!-- libraries -->")
    table, _, figures = behind.partition("<!-- end -->")
    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == list(LIBRARIES)
    assert [name for name in LIBRARIES if f"`{name}`" not in figures] == []
    assert refreshed(text) == text
    link = "[all 1](docs/libraries.md)"
    assert refreshed(link) in (ROOT / "README.md").read_text()
    assert refreshed(link) != link


def test_the_readme_counts_the_failures_right() -> None:
    counted = len(list((ROOT / "rotcheck" / "diagnose" / "failures").glob("*.toml")))
    hundreds = counted // 100 * 100
    assert (
        f"more than {hundreds} failures with cause, fix and source"
        in (ROOT / "README.md").read_text()
    )


@pytest.mark.parametrize("command", COMMAND_NAMES)
def test_the_readme_has_a_row_for_each_command_with_its_page(command: str) -> None:
    assert f"| [`rotcheck {command}`](docs/" in (ROOT / "README.md").read_text()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = [
        line for line in PROMPT.findall((ROOT / "README.md").read_text()) if "tests/run.sh" in line
    ]
    assert commands == ["bash tests/run.sh"]
    assert commands[0] in (ROOT / ".ci" / "run").read_text()


def test_ci_runs_rotcheck_as_its_own_preflight() -> None:
    assert "rotcheck preflight" in (ROOT / ".ci" / "run").read_text()
    assert "rotcheck" in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]


def test_the_refreshing_command_leaves_pages_without_blocks_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Nothing to run\n")
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "refresh.py", page],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, page.read_text()) == ("", "# Nothing to run\n")


def test_the_refreshing_command_writes_what_the_command_prints(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- output: echo fresh -->\n```console\n$ stale\n```\n")
    subprocess.run(
        [sys.executable, ROOT / "docs" / "refresh.py", page], check=True, capture_output=True
    )
    assert page.read_text() == "<!-- output: echo fresh -->\n```console\n$ echo fresh\nfresh\n```\n"


def test_the_api_page_has_the_signatures_and_docstrings_of_today() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    assert runpy.run_path(str(ROOT / "docs" / "refresh.py"))["refreshed"](page) == page


def test_the_api_page_has_every_function_of_the_package() -> None:
    listed = re.findall(r"<!-- api: \S+ as rotcheck\.(\w+)", (ROOT / "docs" / "api.md").read_text())
    assert set(listed) >= set(rotcheck.__all__) - {"__version__"}
