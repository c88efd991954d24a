"""Outputs: each in its format, refused before anything runs, whole or not at all;
and readers who leave."""

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from terminal import LIMIT, ROTCHECK, environment, rotcheck

from rotcheck.report import formats

ONE_CELL = ["compare", "native", "--dtype", "float32", "--check", "forward"]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_file_gets_the_format_of_its_suffix(tmp_path: Path) -> None:
    names = ["a.json", "b.md", "c.xml", "d.txt", "e"]
    ran = rotcheck(
        *ONE_CELL,
        *(part for name in names for part in ("-o", name)),
        "--format",
        "json",
        cwd=tmp_path,
    )
    assert ran.code == 0
    assert left(tmp_path) == names
    assert json.loads((tmp_path / "a.json").read_text())["summary"]["agrees"] == 1
    assert (tmp_path / "b.md").read_text().startswith("### rotcheck compare: 1 cell: 1 agree\n")
    assert ET.parse(tmp_path / "c.xml").getroot().get("tests") == "1"
    assert (tmp_path / "d.txt").read_text().endswith("1 cell: 1 agree\n")
    assert json.loads((tmp_path / "e").read_text()) == json.loads(ran.out)


def test_standard_output_gets_the_format_that_was_asked_for(tmp_path: Path) -> None:
    ran = rotcheck("explain", "J1", "-o", "j1.json", cwd=tmp_path)
    assert ran.out.startswith("J1  ")
    assert json.loads((tmp_path / "j1.json").read_text())[0]["id"] == "J1"


def test_quiet_prints_nothing_and_still_writes(tmp_path: Path) -> None:
    ran = rotcheck("explain", "J1", "-q", "-o", "j1.md", cwd=tmp_path)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert left(tmp_path) == ["j1.md"]


def test_quiet_does_not_hide_errors() -> None:
    assert "zork" not in rotcheck("explain", "-q", "J1").err
    assert rotcheck("explain", "-q", "zork").err != ""


def test_a_file_is_never_in_colour(tmp_path: Path) -> None:
    rotcheck("explain", "J1", "-o", "j1.txt", cwd=tmp_path, FORCE_COLOR="1")
    assert "\x1b" not in (tmp_path / "j1.txt").read_text()


@pytest.mark.parametrize("command", [["compare"], ["probe"], ["preflight"], ["explain"]])
@pytest.mark.parametrize("target", ["missing/x.json", ".", "file/x.json", "-", ""])
def test_an_unwritable_file_is_refused_before_anything_runs(
    command: list[str], target: str, tmp_path: Path
) -> None:
    """A torch that would kill the run is on the path: it is never imported."""
    (tmp_path / "file").write_text("")
    (tmp_path / "torch.py").write_text("import os; os.abort()")
    more = {"PYTHONPATH": os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])}
    ran = rotcheck(*command, "-o", "good.json", "-o", target, cwd=tmp_path, **more)
    assert ran.code == 2
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1
    assert "--output" in ran.err
    assert "Traceback" not in ran.err
    assert left(tmp_path) == ["file", "torch.py"]


@pytest.mark.parametrize("format", ["jsn", "", "../json", "__init__"])
def test_an_unknown_format_is_refused(format: str) -> None:
    ran = rotcheck("explain", "--format", format)
    assert ran.code == 2
    assert f"it can be {', '.join(formats.names('explanation'))}" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_device_or_pipe_is_written_as_it_is(tmp_path: Path) -> None:
    ran = rotcheck("explain", "J1", "-q", "--format", "json", "-o", "/dev/stdout")
    assert json.loads(ran.out)[0]["id"] == "J1"
    with open(tmp_path / "redirected", "w") as file:
        subprocess.run(
            [*ROTCHECK, "explain", "J1", "-o", "/dev/stdout"],
            stdout=file,
            env=environment(),
            check=True,
        )
    assert (tmp_path / "redirected").read_text().count("J1  ") == 2


@pytest.mark.parametrize("arguments", [["explain"], ["explain", "--format", "json"], ONE_CELL])
def test_a_reader_who_leaves_ends_it_quietly(arguments: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*ROTCHECK, *arguments, "-o", "kept.json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
        text=True,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "kept.json").read_text())


def test_a_reader_who_leaves_does_not_turn_a_finding_into_success(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def f(qkv, cos, sin): raise ValueError('no')\n")
    reading, writing = os.pipe()
    os.close(reading)
    command = [*ROTCHECK, "compare", "bad.py:f", "--dtype", "float32", "--check", "forward"]
    done = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, env=environment(), cwd=tmp_path, text=True
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_full_disk_is_no_success() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*ROTCHECK, "explain", "J1"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
        )
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_stdout_is_survived(tmp_path: Path) -> None:
    command = f"{sys.executable} -m rotcheck explain J1 -o kept.json >&-"
    done = subprocess.run(
        ["sh", "-c", command], stderr=subprocess.PIPE, env=environment(), cwd=tmp_path, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert left(tmp_path) == ["kept.json"]


def test_a_pipe_without_a_reader_does_not_hold_up_what_is_printed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    process = subprocess.Popen(
        [*ROTCHECK, "explain", "J1", "-o", "pipe.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("J1  ")
    process.send_signal(signal.SIGINT)
    assert "rotcheck: interrupted" in process.communicate(timeout=LIMIT)[1]
    assert process.returncode == 130


def test_a_stdout_that_refuses_does_not_keep_the_files_from_being_written(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*ROTCHECK, "explain", "J1", "-o", "j1.json"],
            stdout=full,
            env=environment(),
            cwd=tmp_path,
        )
    assert done.returncode == 2
    assert json.loads((tmp_path / "j1.json").read_text())


SUFFIXES = ", ".join(map(formats.suffix, formats.names("explanation")))


@pytest.mark.parametrize(
    ("name", "said"),
    [("x.pdf", f"it can be {SUFFIXES}, or none"), ("report.jsn", "did you mean '.json'?")],
)
def test_an_unknown_suffix_is_refused(name: str, said: str, tmp_path: Path) -> None:
    ran = rotcheck("explain", "J1", "-o", "good.json", "-o", name, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert left(tmp_path) == []
