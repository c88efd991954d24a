"""What the README shows is what its commands print, from the first line to the last."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SHOWN = re.findall(r"<!-- output: .* -->\n```console\n\$ ([^\n]*)\n(.*?)```", README, re.DOTALL)
MACHINE = re.compile(r"^rotcheck \d.*\n.*cores.*runs: .*$", re.MULTILINE)
FIGURE = re.compile(r"✓ \d+(\.\d+)? *")


def _without_the_machine(text: str) -> str:
    """The text without what another processor, or another version of Python, changes."""
    return FIGURE.sub("✓ N ", MACHINE.sub("(this machine)", text))


def test_the_readme_shows_a_matrix() -> None:
    assert [command for command, _ in SHOWN] == ["rotcheck compare"]


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_the_readme_shows_the_whole_output_of_its_command(command: str, output: str) -> None:
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={
            **os.environ,
            "COLUMNS": "100",
        },  # as in a pipe; readline, which pytest imports, sets 80
    )
    assert _without_the_machine(done.stdout) == _without_the_machine(output)


def test_another_word_in_an_output_would_be_noticed() -> None:
    text = "rotcheck 0.1.0, torch 2\nAMD, 2 cores, 4 GiB; runs: cpu\n\nnative  ✓ 1.08   ✓ 0\n1 cell"
    other = (
        "rotcheck 0.1.0, torch 3\nIntel, 8 cores, 4 GiB; runs: cpu\n\nnative  ✓ 1.1    ✓ 0\n1 cell"
    )
    assert _without_the_machine(text) == _without_the_machine(other)
    assert _without_the_machine(text) != _without_the_machine(text.replace("1 cell", "2 cells"))
