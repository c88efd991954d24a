"""The one line in a suite of its own, run by pytest: what an author sees."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import own_kernels
from rotcheck.testing import assert_rotates


def test_rope():
    assert_rotates(own_kernels.healthy)


def test_rope_that_is_wrong():
    assert_rotates(own_kernels.wrong_rows, dtypes=["float32"], checks=["forward"])


def test_another_behind_it():
    assert_rotates(own_kernels.conjugate)
"""


@pytest.mark.parametrize("option", ["--capture=fd", "--capture=no", "--capture=sys"])
def test_a_suite_of_its_own_fails_where_it_should(option: str, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.append({str(Path(__file__).parent)!r})\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        option,
        "test_mine.py",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert "1 failed, 2 passed" in done.stdout
    assert "AssertionError: wrong_rows does not rotate as it should" in done.stdout
    assert (
        "q: 128 of 4160 pairs are off: rows 3-4 (positions 3, 7), head 2, all pairs, all batch rows"
        in done.stdout
    )
    assert (
        '>       assert_rotates(own_kernels.wrong_rows, dtypes=["float32"], checks=["forward"])'
        in done.stdout
    )
    assert "rotcheck/testing/" not in done.stdout


def test_it_needs_no_pytest(tmp_path: Path) -> None:
    code = "import sys, own_kernels, rotcheck.testing as t\nt.assert_rotates(own_kernels.healthy)\n"
    code += "print('pytest' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    assert done.stdout == "False\n", done.stderr


KERNELS = """
import pytest
import triton_kernels
from rotcheck.testing import assert_rotates


def asked(function):
    assert_rotates(function, dtypes=["float32"], checks=["forward", "positions"])


def test_right():
    asked(triton_kernels.rope)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (triton_kernels.rope_without_its_mask, "writes outside of its tensor in heads of 24 lanes"),
        (triton_kernels.rope_of_batch_row_0, "of the first"),
    ],
)
def test_wrong(function, said):
    with pytest.raises(AssertionError, match=said):
        asked(function)
"""


def test_kernels_under_the_interpreter_are_answered_and_end_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(KERNELS)
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    interpreted = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": path}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=interpreted,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr


SLOW = """
import time

import own_kernels
import pytest
from rotcheck.testing import assert_rotates, assert_swappable


def never_ends(q, k, cos, sin):
    while True:
        time.sleep(0.01)


def test_checked_to_its_end():
    assert_rotates(own_kernels.healthy, dtypes=["float32"], checks=["forward", "dtype"], timeout=600)


@pytest.mark.parametrize("ask", [assert_rotates, lambda f, timeout: assert_swappable(f, f, timeout=timeout)])
def test_ended(ask):
    with pytest.raises(AssertionError) as caught:
        ask(never_ends, timeout=1.2)
    lines = str(caught.value).splitlines()
    assert lines[0] == "never_ends was not checked to its end: the limit of 1.2 s was reached while identifying it"
    assert lines[1].startswith("  at test_mine.py:") and lines[1].endswith(" in never_ends")
"""


def in_a_terminal(folder: Path, *options: str) -> str:
    """Run the slow suite where standard error is a terminal, and return what it shows."""
    (folder / "test_mine.py").write_text(SLOW)
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *options,
        "test_mine.py",
    ]
    asked = f"import os, pty; os.chdir({str(folder)!r}); pty.spawn({command!r})"
    wanted = {**os.environ, "PYTHONPATH": path, "TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env=wanted,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    return done.stdout


def test_a_slow_function_is_seen_to_be_at_work_where_nothing_is_captured(tmp_path: Path) -> None:
    shown = in_a_terminal(tmp_path, "-s")
    assert "3 passed" in shown
    assert "\x1b[Knever_ends: identifying it, 1 s" in shown
    assert "never_ends" not in in_a_terminal(tmp_path)


def test_each_step_is_a_record_that_pytest_shows_live(tmp_path: Path) -> None:
    shown = in_a_terminal(tmp_path, "--log-cli-level=INFO", "-k", "checked")
    steps = [
        line.rpartition(" healthy: ")[2].strip()
        for line in shown.splitlines()
        if " healthy: " in line
    ]
    assert steps == [
        "identifying it",
        "checking forward in float32 (1 of 2)",
        "checking dtype in float32 (2 of 2)",
    ]
