"""A run that is interrupted, or whose front is killed,
leaves what was finished and nothing else."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from comparing import HOSTILE
from fronts import PATIENCE, all_gone, appeared, family, finish, planted, start

ASKED = {
    "implementations": ["native", f"{HOSTILE}:sleeps", "complex"],
    "devices": ["cpu"],
    "dtypes": ["float32"],
    "checks": ["forward", "dtype"],
    "timeout": 600.0,
}


def at_work(folder: Path) -> tuple["object", list[psutil.Process], Path]:
    """Start a comparison; return it, its processes and its temporary folder
    when all but one are done."""
    temporary = folder / "tmp"
    temporary.mkdir()
    front = start(planted(folder, {}) | {"TMPDIR": str(temporary)}, **ASKED)
    done = sorted(front.stderr.readline() for _ in range(4))
    assert done == ["complex\n", "complex\n", "native\n", "native\n"]
    # the server, and who sleeps: it may just be on its way
    return front, family(front.pid, 2), temporary


def test_ctrl_c_leaves_a_report_of_what_was_finished(tmp_path: Path) -> None:
    front, processes, temporary = at_work(tmp_path)
    os.killpg(front.pid, signal.SIGINT)  # as a terminal does: to all of its group
    report, _ = finish(front)
    assert report.interrupted
    assert (len(report.cells), report.planned) == (4, 6)
    assert {cell.implementation for cell in report.cells} == {"native", "complex"}
    assert report.summary["agrees"] == 4
    assert report.machine.torch
    assert all_gone(processes)
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(
    sys.platform != "linux", reason="needs Linux: only there a process ends with its parent"
)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_front_that_is_killed_leaves_no_process_and_no_file(number: int, tmp_path: Path) -> None:
    front, processes, temporary = at_work(tmp_path)
    front.send_signal(number)
    front.communicate(timeout=PATIENCE)
    assert all_gone(processes)
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(
    sys.platform != "linux", reason="needs Linux: only there a process ends with its parent"
)
def test_a_front_that_is_killed_while_torch_is_imported_leaves_no_process(tmp_path: Path) -> None:
    hanging = "import pathlib, time\npathlib.Path(__file__).with_name('at').write_text('x')\ntime.sleep(600)\n"
    front = start(planted(tmp_path, {"torch/__init__.py": hanging}), **ASKED)
    appeared(tmp_path / "site-packages" / "torch" / "at")
    processes = family(front.pid, 1)
    front.kill()
    front.communicate(timeout=PATIENCE)
    assert all_gone(processes)
