"""`rotcheck bench` as people run it: exit codes, files, what is refused,
and what an interruption leaves."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benching import PLANTED, bad, bench, row

from rotcheck.report import formats
from rotcheck.results import Bench

ROTCHECK = [sys.executable, "-m", "rotcheck", "bench"]
QUICK = ("--shape", "2x10x3x8x64", "--dtype", "float32", "--pass", "forward", "--seconds", "0.01")
LIMIT = 240


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ROTCHECK, *arguments], capture_output=True, text=True, cwd=cwd, timeout=LIMIT, check=False
    )


def test_0_when_all_rows_ran_with_its_files(tmp_path: Path) -> None:
    done = run(
        "native",
        *QUICK,
        "-q",
        "-o",
        "bench.json",
        "-o",
        "bench.md",
        "--plot",
        "bench.svg",
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "bench.json",
        "bench.md",
        "bench.svg",
    ]
    found = json.loads((tmp_path / "bench.json").read_text())
    assert [row["implementation"] for row in found["timings"]] == ["native"]


def test_1_when_a_row_raises(tmp_path: Path) -> None:
    done = run(f"{PLANTED}:raises", *QUICK, cwd=tmp_path)
    assert done.returncode == 1
    assert "✗ clockwork.py:raises raises" in done.stdout
    assert done.stdout.endswith("2 rows: 1 ran, 1 raise\n")


def test_5_when_nothing_ran(tmp_path: Path) -> None:
    done = run("flash-attn", "--against", "flash-attn", *QUICK, "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 5
    assert done.stdout.endswith("1 row: 1 unavailable; nothing ran\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--shape", "2x10x3x8"), "cannot be read"),
        (("--shape", "900000x4096x3x16x128"), "take a smaller shape"),
        (("--device", "meta"), "times mean nothing"),
        (("--device", "cuda:77"), "not on this machine"),
        (("--pass", "backward"), "unknown pass 'backward'; did you mean 'forward+backward'?"),
        (("--dtype", "float8"), "unknown dtype 'float8'"),
        (("--against", "nativ"), "unknown implementation 'nativ'; did you mean 'native'?"),
        (("--seconds", "0"), "--seconds must be a finite number above 0"),
        (("--shape", ""), "--shape is given without a value"),
        (("--plot", "bench.gif"), "must end in .svg or .png"),
        (("--format", "junit"), f"it can be {', '.join(formats.names('bench'))}"),
        (("-o", "bench.xml"), "for a benchmark"),
    ],
)
def test_2_with_one_sentence_for_what_cannot_be_done(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = run("native", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_130_when_interrupted_with_what_was_finished_shown_and_written(tmp_path: Path) -> None:
    endless = "import time\n\ndef endless(qkv, cos, sin):\n    open('reached', 'w').close()\n    time.sleep(600)\n"
    (tmp_path / "mine.py").write_text(endless)
    front = subprocess.Popen(
        [*ROTCHECK, "mine.py:endless", *QUICK, "-o", "bench.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    deadline = time.monotonic() + LIMIT
    while not (tmp_path / "reached").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    front.send_signal(signal.SIGINT)
    out, err = front.communicate(timeout=LIMIT)
    assert (front.returncode, err) == (130, "rotcheck: interrupted\n")
    assert out.endswith("interrupted: 1 of 2 rows: 1 ran\n")
    assert len(json.loads((tmp_path / "bench.json").read_text())["timings"]) == 1


def test_the_exit_code_of_each_kind_of_row() -> None:
    ran = row("native", 1e-3)

    def code(*states: str) -> int:
        found: Bench = bench(ran, *(bad("other", state, "why") for state in states))
        return found.exit_code()

    assert [code(), code("unavailable"), code("skipped")] == [0, 0, 0]
    assert [code("raises"), code("crashes"), code("hangs", "unavailable")] == [1, 1, 1]
    assert bench(bad("other", "unavailable", "why")).exit_code() == 5
