"""`train | rotcheck explain -`: whatever becomes of explain,
the program that writes is never interrupted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from terminal import LIMIT, ROTCHECK, environment

MIB = 1 << 20
WRITER = """
import os, pathlib, sys, time
size, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
try:
    line = b"step 1 loss 2.31\\n" * 4096
    while size > 0:
        os.write(1, line)
        size -= len(line)
    (folder / "written").touch()
    while not (folder / "end").exists():
        time.sleep(0.01)
    os.write(1, b"NotImplementedError: Unknown device for graph fuser\\n")
except BrokenPipeError:
    sys.exit("broken pipe")
(folder / "saved").touch()
"""


def piped(
    folder: Path,
    arguments: Sequence[str],
    *,
    size: int = 4 * MIB,
    interrupt: int = 0,
    stdout: int = subprocess.PIPE,
    **more: str,
) -> tuple[int, str, str]:
    """Run a writer into the command line, which is interrupted so often;
    return its code and what it wrote."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(size), str(folder)], stdout=subprocess.PIPE
    )
    reader = subprocess.Popen(
        [*ROTCHECK, *arguments],
        stdin=writer.stdout,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment(**more),
    )
    assert writer.stdout is not None
    writer.stdout.close()  # the reader alone holds it: were it to leave, the pipe would break
    assert reader.stderr is not None
    said = b""
    if interrupt:
        _wait_for(folder / "written")
    for _ in range(interrupt):
        reader.send_signal(signal.SIGINT)
        said += reader.stderr.readline()
    if interrupt > 1:
        reader.wait(LIMIT)
    (folder / "end").touch()
    out, err = reader.communicate(timeout=LIMIT)
    writer.wait(LIMIT)
    return reader.returncode, (out or b"").decode(), (said + err).decode()


def _wait_for(file: Path) -> None:
    end = time.monotonic() + LIMIT
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["explain", "-"], 0),
        (["explain", "-", "--format", "bogus"], 2),
        (["explain", "-", "--no-such-option"], 2),
        (["explian", "-"], 2),
        (["explain", "-", "--output", "/no/such/folder/x.json"], 2),
        (["explain", "-", "--output", "/dev/full"], 2),
    ],
)
def test_the_writer_saves_its_checkpoint_whatever_is_wrong(
    arguments: list[str], code: int, tmp_path: Path
) -> None:
    """Python would end with a broken pipe at once,
    and kill a training run before its checkpoint."""
    ended, _, err = piped(tmp_path, arguments)

    assert (tmp_path / "saved").exists()
    assert ended == code
    assert ("reading on" in err) == (code == 2 and "/dev/full" not in arguments)


def test_a_hundred_megabytes_are_read_to_their_end(tmp_path: Path) -> None:
    """The old way stopped at 16 MiB."""
    code, out, _ = piped(tmp_path, ["explain", "-"], size=100 * MIB)

    assert (tmp_path / "saved").exists()
    assert code == 0
    assert out.startswith("line 6")
    assert "J1  " in out


def test_an_internal_error_breaks_no_pipe(tmp_path: Path) -> None:
    """A bug of ours, before anything was read."""
    broken = "import rotcheck.log\nrotcheck.log.read = lambda stream: 1 / 0\n"
    (tmp_path / "sitecustomize.py").write_text(broken)
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])

    code, _, err = piped(tmp_path, ["explain", "-"], PYTHONPATH=path)

    assert (tmp_path / "saved").exists()
    assert code == 3
    assert "rotcheck itself failed (ZeroDivisionError)" in err


def test_a_closed_standard_output_breaks_no_pipe(tmp_path: Path) -> None:
    """`... | rotcheck explain - | head -0`."""
    read, write = os.pipe()
    os.close(read)
    code, _, _ = piped(tmp_path, ["explain", "-"], stdout=write)
    os.close(write)

    assert (tmp_path / "saved").exists()
    assert code == 0


def test_a_first_interruption_lets_the_writer_finish(tmp_path: Path) -> None:
    """Ctrl-C goes to the whole pipeline: the training run may save its work,
    and says why it ended."""
    code, out, err = piped(tmp_path, ["explain", "-"], interrupt=1)

    assert (tmp_path / "saved").exists()
    assert code == 130
    assert "reading on" in err
    assert "J1  " in out


def test_a_second_interruption_ends_it(tmp_path: Path) -> None:
    """Nobody is held by a writer that hangs."""
    code, out, err = piped(tmp_path, ["explain", "-"], interrupt=2)

    assert not (tmp_path / "saved").exists()
    assert code == 130
    assert out == ""
    assert "interrupted before anything was finished" in err
