"""A program that is watched runs and ends as it would without a watch."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from watching import ROTCHECK, SOURCES, start, watched

ENDINGS = {
    "returns": ("print('out')", 0),
    "exits": ("import sys; sys.exit(3)", 3),
    "leaves at once": ("import os; os._exit(4)", 4),
    "raises": ("raise ValueError('boom')", 1),
    "has its own hook": (
        "import sys, os\nsys.excepthook = lambda *_: os._exit(7)\nraise ValueError('boom')",
        7,
    ),
    "is terminated": ("import os; os.kill(os.getpid(), 15)", -15),
    "is killed": ("import os; os.kill(os.getpid(), 9)", -9),
    "becomes another": (
        "import os, sys\nos.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(5)'])",
        5,
    ),
}


@pytest.mark.parametrize(("program", "code"), ENDINGS.values(), ids=ENDINGS)
def test_a_program_ends_with_its_own_exit_code_or_signal(
    program: str, code: int, tmp_path: Path
) -> None:
    seen = watched(tmp_path, program=program)
    assert (seen.code, seen.watch.status) == (code, code)
    assert (seen.watch.death is None) == (code == 0)
    assert ("boom" in program) == (seen.watch.death is not None and "boom" in seen.watch.death.text)


PLACE = (
    "import sys\nprint(sys.path, sys.argv, sys.excepthook is sys.__excepthook__, sys.stdin.read())"
)


@pytest.mark.parametrize("modules", ["", "somewhere"])
def test_it_finds_modules_arguments_streams_and_hooks_as_without(
    modules: str, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(PLACE)
    command = [sys.executable, "program.py", "--output", "x", "--", "-q"]
    environment = {**os.environ, "PYTHONPATH": modules}
    plain = subprocess.run(
        command, cwd=tmp_path, env=environment, input=b"in", capture_output=True, check=True
    )
    seen = watched(tmp_path, *command, text=b"in", PYTHONPATH=modules)
    assert seen.out == plain.stdout
    assert b"-q" in seen.out


def test_bytes_pass_as_they_are_and_the_report_comes_after_them(tmp_path: Path) -> None:
    program = "import sys\nsys.stdout.buffer.write(bytes(range(256)) * 400)\nsys.stderr.write('x' * 200000)"
    (tmp_path / "program.py").write_text(program)
    running = start(tmp_path, [sys.executable, "program.py"])
    out, errors = running.communicate()
    assert out == bytes(range(256)) * 400
    assert errors.startswith(b"x" * 200000 + os.fsencode(sys.executable))


def test_a_sitecustomize_of_the_environment_is_imported_as_before(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('its own')")
    program = "import sitecustomize; print(sitecustomize.__file__)"
    seen = watched(tmp_path, program=program, PYTHONPATH=f"{SOURCES}:{tmp_path}")
    # rotcheck's own process has it too, and says so first
    assert seen.out.decode() == f"its own\nits own\n{tmp_path}/sitecustomize.py\n"
    assert len(seen.watch.processes) == 1


SLEEPS = """
import os, signal, sys, time
def leave(number, frame):
    print("got", number, flush=True)
    sys.exit(12)
signal.signal(signal.SIGTERM, leave)
print(os.getpid(), flush=True)
time.sleep(60)
"""


def test_a_signal_to_rotcheck_reaches_the_program_once(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(SLEEPS)
    running = start(tmp_path, ["-q", sys.executable, "program.py"])
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGTERM)
    out, _ = running.communicate()
    assert (out, running.returncode) == (b"got 15\n", 12)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_program_does_not_outlive_rotcheck(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(SLEEPS)
    running = start(tmp_path, [sys.executable, "program.py"])
    assert running.stdout is not None
    pid = int(running.stdout.readline())
    running.kill()
    running.communicate()  # to the end of the pipe, which the program holds too
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.02)
    assert "State:\tZ" in Path(f"/proc/{pid}/status").read_text()  # only its parent is to know yet


def test_what_cannot_be_started_or_written_down_is_said_before_anything_runs(
    tmp_path: Path,
) -> None:
    nothing = start(tmp_path, ["/nonexistent"])
    _, errors = nothing.communicate()
    assert (nothing.returncode, errors.count(b"\n")) == (2, 1)
    assert b"'/nonexistent' cannot be run: No such file" in errors
    options = subprocess.run(
        [*ROTCHECK, "-o", "no/folder/x.json", "--", "echo", "ran"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (options.returncode, options.stdout) == (2, b"")


def test_python_that_does_not_heed_the_hook_is_said_to_be_unwatched(tmp_path: Path) -> None:
    seen = watched(tmp_path, sys.executable, "-I", "-c", "raise SystemExit(3)")
    assert seen.code == 3
    assert "-I, -E or -S" in seen.watch.notes[0]
    assert seen.watch.death is not None
    assert "nothing was seen of why" in seen.watch.death.text
    assert watched(tmp_path, "bash", "-c", f"exec {sys.executable} -c 1").watch.notes == ()
