"""Every way in which a run can end has its exit code, its message, and its files."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from terminal import LIMIT, ROTCHECK, Ran, environment, rotcheck

ONE_CELL = ("--dtype", "float32", "--check", "forward")
FUNCTIONS = """
import os, time

def right(qkv, cos, sin):
    import torch
    first, second = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-second, first), -1) * sin

def wrong(qkv, cos, sin):
    return qkv * cos

def slow_second(qkv, cos, sin):
    if str(qkv.dtype) == "torch.bfloat16":
        time.sleep(2)  # the neighbour is done by now
        open("reached", "w").close()
        time.sleep(600)
    return right(qkv, cos, sin)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    return tmp_path


def test_0_when_all_that_ran_agrees(folder: Path) -> None:
    ran = rotcheck("compare", "native", "mine.py:right", *ONE_CELL, cwd=folder)
    assert (ran.code, ran.err) == (0, "")  # no progress in a log either
    assert ran.out.endswith("2 cells: 2 agree\n")


def test_1_for_a_finding(folder: Path) -> None:
    ran = rotcheck("compare", "native", "mine.py:wrong", *ONE_CELL, cwd=folder)
    assert ran.code == 1
    assert "✗ mine.py:wrong disagrees" in ran.out
    assert ran.out.endswith("3 cells: 1 agree, 2 disagree\n")


def test_5_when_nothing_ran() -> None:
    ran = rotcheck("compare", "native", "--device", "meta", *ONE_CELL)
    assert ran.code == 5
    assert ran.out.endswith("1 cell: 1 skipped; nothing ran\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["natve"], "did you mean 'native'"),
        (["missing.py:f"], "missing.py"),
        (["native", "--device", "cuda:99"], "cuda:99"),
        (["native", "--dtype", "float31"], "did you mean 'float32'"),
        (["native", "--check", "foward"], "did you mean 'forward'"),
        (["native", "--device", ""], "--device is given without a value"),
        (["native", "--dtype", "float32,"], "--dtype is given without a value"),
        (["native", "--timeout", "0"], "--timeout must be"),
        (["native", "--timeout", "nan"], "--timeout must be"),
        (["native", "--timeout", "inf"], "--timeout must be a finite number above 0"),
        (["native", "--memory-limit", "-1"], "--memory-limit must be"),
    ],
)
def test_2_for_what_cannot_be_carried_out(arguments: list[str], said: str, tmp_path: Path) -> None:
    ran = rotcheck("compare", *arguments, "-o", "report.json", cwd=tmp_path)
    assert ran.code == 2
    assert ran.out == ""
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert len(ran.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def planted(folder: Path, code: str) -> dict[str, str]:
    """Return an environment in which this code runs before rotcheck,
    in the front and its children."""
    (folder / "planted").mkdir()
    (folder / "planted" / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": os.pathsep.join([str(folder / "planted"), environment()["PYTHONPATH"]])}


def test_3_when_rotcheck_itself_fails(tmp_path: Path) -> None:
    code = "import rotcheck.compare.plan as plan\ndef broken(*_): return 1 / 0\nplan.make_request = broken\n"
    ran = rotcheck("compare", "-o", "report.json", cwd=tmp_path, **planted(tmp_path, code))
    assert ran.code == 3
    assert ran.out == ""
    assert not (tmp_path / "report.json").exists()
    assert ran.err.startswith("rotcheck itself failed (ZeroDivisionError)")
    assert "Please report" in ran.err
    assert ran.err.rstrip().endswith("ZeroDivisionError: division by zero")
    assert str(tmp_path) not in ran.err


def interrupted(folder: Path, number: signal.Signals, *more: str) -> Ran:
    """Run a comparison whose second function never answers,
    and send the signal once it is asked."""
    command = [
        *ROTCHECK,
        "compare",
        "native",
        "mine.py:slow_second",
        "--dtype",
        "bfloat16",
        "--check",
        "forward",
        *more,
    ]
    process = subprocess.Popen(
        [*command, "--timeout", "500"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=folder,
        text=True,
    )
    deadline = time.monotonic() + LIMIT
    while (
        not (folder / "reached").exists() and process.poll() is None and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    time.sleep(0.5)  # the cell before it is counted by now
    family = psutil.Process(process.pid).children(recursive=True)
    assert family, "the workers are there"
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    return Ran(process.returncode, out, err)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_130_with_what_was_finished_when_interrupted(folder: Path, number: signal.Signals) -> None:
    ran = interrupted(folder, number, "-o", "report.json", "-o", "report.xml")
    assert ran.code == 130
    assert ran.out.endswith("interrupted: 1 of 2 cells: 1 agree\n")
    assert ran.err == "rotcheck: interrupted\n"
    report = json.loads((folder / "report.json").read_text())
    assert report["interrupted"] is True
    assert [cell["verdict"] for cell in report["cells"]] == ["agrees"]
    kept = sorted(path.name for path in folder.iterdir() if path.name != "__pycache__")
    assert kept == ["mine.py", "reached", "report.json", "report.xml"]


def test_130_for_preflight_too_and_the_job_must_not_start(folder: Path) -> None:
    (folder / "policy.toml").write_text(
        'implementations = ["mine.py:slow_second"]\ndtypes = ["float32", "bfloat16"]\nchecks = ["forward"]\n'
        "timeout = 500\n"
    )
    process = subprocess.Popen(
        [*ROTCHECK, "preflight", "--policy", "policy.toml", "--format", "json"],
        stdout=subprocess.PIPE,
        env=environment(),
        cwd=folder,
    )
    deadline = time.monotonic() + LIMIT
    while not (folder / "reached").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert json.loads(out)["may_start"] is False


def test_130_before_anything_was_found(tmp_path: Path) -> None:
    """The signal comes while torch is imported: there is nothing to report, and nothing is left."""
    (tmp_path / "torch.py").write_text(
        "import time\nopen('reached', 'w').close()\ntime.sleep(600)\n"
    )
    more = {"PYTHONPATH": os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])}
    process = subprocess.Popen(
        [*ROTCHECK, "probe", "-o", "probe.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(**more),
        cwd=tmp_path,
        text=True,
    )
    deadline = time.monotonic() + LIMIT
    while not (tmp_path / "reached").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert out + err
    assert "rotcheck: interrupted" in err
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".probe")]


def test_a_signal_that_the_caller_ignores_stays_ignored(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    code += "from rotcheck.cli import signals; signals.catch()\n"
    code += "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, callable(signal.getsignal(signal.SIGTERM)))"
    done = subprocess.run(
        [*ROTCHECK[:1], "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "True True\n"


@pytest.mark.parametrize(("seconds", "whole"), [(0.3, True), (600, False)])
def test_a_signal_amid_an_import_waits_for_its_end_but_not_for_ever(
    seconds: float, whole: bool, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(
        f"import time\nprint('begun', flush=True)\ntime.sleep({seconds})\nprint('whole', flush=True)\n"
    )
    code = "from rotcheck.cli import signals; signals.catch()\n"
    code += "try:\n    import slow; import time; time.sleep(600)\n"
    code += "except KeyboardInterrupt:\n    print('interrupted')\n"
    more = {"PYTHONPATH": os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])}
    process = subprocess.Popen(
        [*ROTCHECK[:1], "-c", code], env=environment(**more), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=LIMIT)
    assert out == ("whole\n" if whole else "") + "interrupted\n"


def test_a_probe_ends_with_0_where_a_device_runs_and_with_5_where_none_does(tmp_path: Path) -> None:
    assert rotcheck("probe").code == 0
    (tmp_path / "torch.py").write_text("raise ImportError('no torch today')\n")
    more = {"PYTHONPATH": os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])}
    ran = rotcheck("probe", cwd=tmp_path, **more)
    assert ran.code == 5
    assert "no torch" in ran.out


def test_5_when_torch_kills_the_process_and_nobody_is_accused(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("import os; os.abort()\n")
    more = {"PYTHONPATH": os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])}
    ran = rotcheck("compare", "native", *ONE_CELL, cwd=tmp_path, **more)
    assert (ran.code, ran.out) == (5, "")
    assert "SIGABRT in `import torch`" in ran.err


SLOW_TORCH = "import time\nopen('reached', 'w').close()\ntime.sleep(600)\n"


def started_with_a_slow_torch(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Return a run that imports torch for as long as it is let."""
    (folder / "torch.py").write_text(SLOW_TORCH)
    more = {"PYTHONPATH": os.pathsep.join([str(folder), environment()["PYTHONPATH"]])}
    process = subprocess.Popen(
        [*ROTCHECK, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(**more),
        cwd=folder,
        text=True,
    )
    deadline = time.monotonic() + LIMIT
    while not (folder / "reached").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", ["compare", "preflight", "trial"])
def test_an_interruption_is_never_silent(
    command: str, number: signal.Signals, tmp_path: Path
) -> None:
    process = started_with_a_slow_torch(tmp_path, command)
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, out) == (130, "")
    assert err == "rotcheck: interrupted before anything was finished\n"


def test_signals_after_the_first_do_not_disturb_its_end(tmp_path: Path) -> None:
    process = started_with_a_slow_torch(tmp_path, "probe", "-o", "probe.json")
    while process.poll() is None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
        time.sleep(0.002)
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert err == "rotcheck: interrupted\n"
    assert "interrupted: partial result" in out
    assert json.loads((tmp_path / "probe.json").read_text())["interrupted"] is True


@pytest.mark.parametrize("command", ["compare", "probe", "preflight", "trial"])
def test_2_when_the_working_directory_is_gone(command: str, tmp_path: Path) -> None:
    gone = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m rotcheck {command}"
    done = subprocess.run(
        ["sh", "-c", gone],
        capture_output=True,
        env=environment(),
        cwd=tmp_path,
        text=True,
        timeout=LIMIT,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "the working directory no longer exists" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command", ["explain J1", "compare native --dtype float32 --check forward"]
)
def test_a_run_without_any_standard_stream_works(command: str, tmp_path: Path) -> None:
    closed = f"{sys.executable} -m rotcheck {command} -o kept.json <&- >&- 2>&-"
    done = subprocess.run(["sh", "-c", closed], env=environment(), cwd=tmp_path, timeout=LIMIT)
    assert done.returncode == 0
    assert json.loads((tmp_path / "kept.json").read_text())


@pytest.mark.parametrize("module", ["random", "inspect", "typer"])
def test_2_when_a_file_hides_a_module_whichever(module: str, tmp_path: Path) -> None:
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / f"{module}.py").write_text("raise ValueError('no dice')\n")
    code = (
        f"import sys; sys.modules.pop({module!r}, None); from rotcheck.cli.main import main; main()"
    )
    more = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "planted"), environment()["PYTHONPATH"]])}
    done = subprocess.run(
        [sys.executable, "-c", code, "compare", "native"],
        capture_output=True,
        env=environment(**more),
        text=True,
        timeout=LIMIT,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"rotcheck: a file or folder named {module} hides the module {module}"
    )
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("files", [5, 7])
def test_2_when_too_few_files_may_be_open(files: int, tmp_path: Path) -> None:
    few = f"ulimit -n {files}; exec {sys.executable} -m rotcheck compare native --dtype float32"
    done = subprocess.run(
        ["sh", "-c", few],
        capture_output=True,
        env=environment(),
        cwd=tmp_path,
        text=True,
        timeout=LIMIT,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "rotcheck: the limit on open files is too low here (`ulimit -n`); 64 is enough\n"
    )
