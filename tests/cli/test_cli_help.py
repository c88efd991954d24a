"""Help, version and usage errors: at once, in plain text, with the contract's exit codes."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import environment, in_terminal, rotcheck

from rotcheck import __version__
from rotcheck.cli import options
from rotcheck.cli.app import alternatives
from rotcheck.compare.plan import check_names
from rotcheck.report import formats
from rotcheck.study.request import DTYPES

COMMANDS = ("check", "compare", "explain", "preflight", "probe")
PACKAGE = Path(__file__).parents[2] / "rotcheck"
FILES = sorted(file.stem for file in (PACKAGE / "cli" / "commands").glob("[!_]*.py"))
KINDS = {
    name: getattr(importlib.import_module(f"rotcheck.cli.commands.{name}"), name).kind
    for name in FILES
}


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "explain"]])
def test_the_version_is_one_line(arguments: list[str]) -> None:
    ran = rotcheck(*arguments)
    assert (ran.code, ran.out, ran.err) == (0, f"rotcheck {__version__}\n", "")


def test_help_lists_the_commands_each_in_a_whole_sentence() -> None:
    text = rotcheck("--help").out
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\w.*\.$", text, re.MULTILINE)
    assert "..." not in text.partition("Commands:")[2], "a summary is cut at 80 columns"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_an_example_and_its_exit_codes(command: str) -> None:
    ran = rotcheck(command, "--help")
    assert ran.code == 0
    assert f"  rotcheck {command}" in ran.out
    assert "Exit code 0:" in ran.out
    for option in ("--format", "--output", "--quiet", "--no-color"):
        assert option in ran.out


@pytest.mark.parametrize("command", ["", *FILES])
def test_help_is_whole_at_80_columns(command: str) -> None:
    text = rotcheck(*command.split(), "--help", COLUMNS="80").out
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "{formats}" not in text
    assert "{suffixes}" not in text
    assert not command or f" {alternatives(formats.names(KINDS[command]))}." in " ".join(
        text.split()
    )


def test_the_help_of_a_command_names_the_formats_of_its_result() -> None:
    text = " ".join(rotcheck("scan", "--help").out.split())
    names = formats.names("scan")
    assert f"--format FORMAT {alternatives(names)}. [default: table]" in text
    assert f"in the format its suffix names ({' '.join(map(formats.suffix, names))})" in text


def test_the_help_of_compare_says_what_a_given_function_gets() -> None:
    text = rotcheck("compare", "--help").out
    for said in ("it is identified first", "@rotcheck.declare", "[tool.rotcheck.implementations]"):
        assert said in text


def test_the_help_of_compare_names_every_check_and_nothing_else() -> None:
    text = " ".join(rotcheck("compare", "--help").out.split())
    quick, full = re.search(r"--check CHECK (.*?); by --full or by name: (.*?)\.", text).groups()  # type: ignore
    assert quick.split(", ") == check_names("quick")
    assert full.split(", ") == [name for name in check_names() if name not in check_names("quick")]


def test_a_dtype_has_the_names_that_people_type() -> None:
    names = ["bf16", "half", "torch.float32", "float64"]
    assert list(map(options.dtype, names)) == ["bfloat16", "float16", "float32", "float64"]
    assert set(options.SHORT.values()) == set(DTYPES)


def test_every_file_of_commands_is_a_command() -> None:
    assert set(FILES) >= set(COMMANDS)
    listed = rotcheck("--help").out.partition("Commands:")[2]
    assert all(f"  {name} " in listed for name in FILES)


def test_no_command_shows_the_help_and_is_a_usage_error() -> None:
    ran = rotcheck()
    assert ran.code == 2
    assert ran.out == ""
    assert "Commands:" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "--bogus"], "--bogus"),
        (["bogus"], "bogus"),
        (["compare", "--timeout", "soon"], "'--timeout'"),
        (["compare", "--timeout"], "--timeout"),
        (["probe", "extra"], "extra"),
    ],
)
def test_a_usage_error_is_one_message_and_no_traceback(arguments: list[str], said: str) -> None:
    ran = rotcheck(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert len(ran.err.splitlines()) <= 5


@pytest.mark.parametrize(
    "arguments", [["--help"], ["compare", "--help"], ["compare", "--bogus"], ["explain", "zork"]]
)
def test_a_ci_log_gets_plain_text(arguments: list[str]) -> None:
    ran = rotcheck(*arguments, GITHUB_ACTIONS="true")
    assert "\x1b" not in ran.out + ran.err
    assert "╭" not in ran.out + ran.err
    assert ran == rotcheck(*arguments)


def test_help_in_a_terminal_is_plain_text_too() -> None:
    assert "\x1b" not in in_terminal("--help").err


FRONT = """
import sys
from rotcheck.cli.app import app
app()
import rotcheck.cli.result_output, rotcheck.cli.progress, rotcheck.preflight.run, rotcheck.report.terminal
from rotcheck.report import formats
formats.names("comparison")
heavy = sorted({"torch", "numpy", "triton", "flash_attn"} & set(sys.modules))
print(heavy)
"""


def test_the_front_never_imports_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRONT], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_version_imports_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); sys.argv = ['rotcheck', '--version']\n"
    code += "import rotcheck.cli.main as m\ntry: m.main()\nexcept SystemExit: "
    code += "print(sorted({n.split('.')[0] for n in set(sys.modules) - before}))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    imported = done.stdout.splitlines()[1]
    assert "rotcheck" in imported
    for package in ("typer", "rich", "click", "msgspec", "psutil", "pydantic"):
        assert f"'{package}'" not in imported


def test_issues_are_reported_where_the_package_says() -> None:
    project = (PACKAGE.parent / "pyproject.toml").read_text()
    assert re.search(r'^Issues = "https://\S+/issues"$', project, re.MULTILINE)
