"""What `rotcheck train` shows, in each format and width, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from training_runs import HERE

from rotcheck.report import formats
from rotcheck.report.document import Display
from rotcheck.report.text import one_line
from rotcheck.results import Cell, Course, Machine, Reference, Step, Training, summarise

ROTCHECK = [sys.executable, "-m", "rotcheck", "train"]
MACHINE = Machine(
    system="Linux", processor="a processor", cores=2, memory_gib=8.0, python="3.11", torch="2.13.0"
)
WRONG_CELL = Cell(
    implementation="mine.py:rotary",
    device="cpu",
    dtype="float32",
    check="forward",
    verdict="disagrees",
    message="turns the other way",
    failure="R1",
    cause="The sign.",
    fix="Turn it.",
)


def steps(*losses: float, error: float = 6e-7) -> tuple[Step, ...]:
    figures = {"gradient_error": error, "rounding": 6e-7, "tensor": "qkv", "tensor_error": error}
    return tuple(
        Step(number=n, loss=loss, tensor_rounding=6e-7, **figures)
        for n, loss in enumerate(losses, 1)
    )


def course(name: str, verdict: str = "agrees", **more: object) -> Course:
    return Course(implementation=name, device="cpu", dtype="float32", verdict=verdict, **more)


COURSES = (
    course("native", steps=steps(3.8, 3.3, 3.1)),
    course(
        "mine.py:rotary",
        "disagrees",
        steps=steps(3.8, 3.4, 3.2, error=0.31),
        wrong_at=1,
        parts_at=2,
        message="the gradient is 31 % off",
        cells=(WRONG_CELL, msgspec.structs.replace(WRONG_CELL, check="backward")),
    ),
    course(
        "odd.py:rotary",
        "disagrees",
        steps=steps(3.8, 3.3, 3.1, error=0.01),
        wrong_at=1,
        message="off",
        cells=(),
    ),
    course(
        "dies.py:rotary", "crashes", steps=steps(3.8), message="step 2: killed by SIGSEGV", cells=()
    ),
    course("flash-attn", "unavailable", message="it is not installed"),
)
REFERENCES = tuple(
    Reference(name=name, device="cpu", dtype=dtype, losses=(3.8, 3.3, 3.1))
    for name, dtype in (("float64", "float64"), ("rounded once", "float32"))
)
FOUND = Training(
    rotcheck="0.1.0",
    machine=MACHINE,
    model="miniature SEDD",
    sequences=28,
    planned=3,
    seed=0,
    references=REFERENCES,
    courses=COURSES,
    summary=summarise(COURSES),
)


def shown(format: str = "table", found: Training = FOUND, **look: object) -> str:
    return formats.render(format, "train")(found, Display(**look))


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_the_table_fits_its_width(width: int) -> None:
    assert max(map(len, shown(width=width).splitlines())) <= width


def test_the_truth_stands_on_top_and_a_loss_that_leaves_it_is_marked_without_colour() -> None:
    rows = {line.split("  ")[0]: line for line in shown(width=120).splitlines()}
    assert (
        list(rows).index("float64") < list(rows).index("rounded once") < list(rows).index("native")
    )
    assert rows["mine.py:rotary"].split()[1:] == [
        "3.8000",
        "3.4000",
        "✗",
        "3.2000",
        "31",
        "%",
        "✗",
        "5e+05",
    ]
    assert rows["native"].split()[-2:] == ["✓", "1.00"]
    assert rows["dies.py:rotary"].split()[1:4] == ["3.8000", "crashes", "-"]
    assert rows["flash-attn"].split() == ["flash-attn", "n/a"]


def test_a_finding_tells_the_loss_the_cells_the_cause_and_the_fix() -> None:
    text = one_line(shown(width=200))
    assert "it falls" not in text
    assert "falls all the same, from 3.800 to 3.200; it leaves the float64 curve at step 2" in text
    assert "forward, backward: disagrees, turns the other way cause The sign. fix Turn it." in text
    assert "rotcheck explain R1" in text


def test_what_no_cell_explains_is_said_to_be_unexplained() -> None:
    assert "no cell explains it" in one_line(shown(width=200))


def test_nothing_beyond_ascii_where_the_terminal_has_no_more() -> None:
    assert shown(ascii=True).isascii()


def test_many_steps_are_shown_in_part_with_the_first_and_the_last() -> None:
    many = msgspec.structs.replace(
        FOUND, planned=100, courses=(course("native", steps=steps(*[3.0] * 100)),)
    )
    head = next(
        line for line in shown(found=many, width=120).splitlines() if line.startswith("rotation")
    )
    assert "step 1 " in head
    assert "step 100" in head
    assert head.count("step") == 6


def test_a_reference_that_stopped_is_named() -> None:
    stopped = msgspec.structs.replace(
        REFERENCES[1], losses=(3.8,), message="RuntimeError: no kernel"
    )
    found = msgspec.structs.replace(FOUND, references=(REFERENCES[0], stopped))
    assert "the reference rounded once stopped after step 1: RuntimeError: no kernel" in shown(
        found=found
    )


def test_the_json_reads_back_as_it_was() -> None:
    assert msgspec.json.decode(shown("json"), type=Training) == FOUND
    assert json.loads(shown("json"))["schema"] == "rotcheck/train/1"


def test_nan_is_null_in_json() -> None:
    found = msgspec.structs.replace(FOUND, courses=(course("native", steps=steps(float("nan"))),))
    assert json.loads(shown("json", found))["courses"][0]["steps"][0]["loss"] is None


def test_markdown_has_a_table_and_the_findings() -> None:
    text = shown("markdown")
    assert text.startswith(
        "### rotcheck train: 5 runs: 1 agree, 2 disagree, 1 crash, 1 unavailable\n"
    )
    assert "| mine.py:rotary | 3.8000 | 3.4000 ✗ | 3.2000 | 31 % | ✗ 5e+05 |" in text
    assert "<summary>✗ mine.py:rotary disagrees</summary>" in text


def ran(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ROTCHECK, *arguments], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_exit_code_0_when_all_that_ran_agrees(tmp_path: Path) -> None:
    done = ran("native", "--device", "cpu", "--steps", "1", "-o", "x.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "x.json").read_text())["summary"]["agrees"] == 1


def test_exit_code_1_for_a_finding(tmp_path: Path) -> None:
    done = ran(f"{HERE}/wrong.py:sign_of_k", "--device", "cpu", "--steps", "1", cwd=tmp_path)
    assert done.returncode == 1
    assert "✗ wrong.py:sign_of_k disagrees" in done.stdout
    assert str(HERE) not in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["nativ"],
        ["--device", "meta"],
        ["--dtype", "float64"],
        ["--fasta", "none"],
        ["--steps", "-1"],
        ["--timeout", "0"],
    ],
)
def test_exit_code_2_with_one_sentence_for_what_cannot_be_done(
    arguments: list[str], tmp_path: Path
) -> None:
    done = ran(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_exit_code_5_when_nothing_ran(tmp_path: Path) -> None:
    done = ran("flash-attn", "--device", "cpu", "--steps", "1", cwd=tmp_path)
    assert done.returncode == 5
    assert done.stdout.endswith("1 run: 1 unavailable; nothing ran\n")


def test_an_interrupted_run_shows_what_was_finished(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(
        "import pathlib, time\n\ndef rotate(qkv, cos, sin):\n    pathlib.Path('begun').touch()\n    time.sleep(600)\n"
    )
    arguments = ["native", "waits.py:rotate", "--device", "cpu", "--steps", "1"]
    process = subprocess.Popen(
        [*ROTCHECK, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    while not (tmp_path / "begun").exists() and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "rotcheck: interrupted\n")
    assert "interrupted: " in out
    assert "waits.py:rotate" not in out.splitlines()[-1]
