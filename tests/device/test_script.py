"""The script for machines with a device: it runs to its end without one,
and whatever becomes of a step."""

import importlib
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEVICE = ROOT / "tests" / "device"
SCRIPT = str(DEVICE / "run.py")
OWN = {
    "hangs": '"""Hangs."""\nimport time\ntime.sleep(600)\n',
    "aborts": '"""Aborts."""\nimport os\nos.abort()\n',
    "mute": '"""Says nothing."""\n',
}
MODULES = ("run", "prepare", "cells", "files", "isolation", "record", "speed", "tensors")
LINES = list[dict[str, str]]


class Run:
    """The script at work, and what it left."""

    def __init__(self, out: Path, *arguments: str) -> None:
        self.out = out
        none = out.with_name("no-wheels")
        none.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, SCRIPT, "--out", str(out), "--wheels", str(none), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=out.parent,
            env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        )

    def wait(self) -> None:
        self.printed, _ = self._process.communicate()
        self.code = self._process.returncode
        self.found = json.loads((self.out / "results.json").read_text())
        self.lines: LINES = self.found["lines"]

    def end_in(self, step: str) -> None:
        """End it once it works at a step."""
        while not (self.out / f"{step}.log").exists():
            assert self._process.poll() is None, "it ended by itself"
            time.sleep(0.1)
        self._process.terminate()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run, Run]:
    """A run on a CUDA device that is not there, one on the CPU with steps that come to harm,
    and one that is ended."""
    folder = tmp_path_factory.mktemp("device")
    own = [folder / f"{name}.py" for name in OWN]
    for file in own:
        file.write_text(OWN[file.stem])
    planted = [part for file in own for part in ("--step", str(file))]
    hanging = [
        part for name in ("mute", "hangs") for part in ("--step", str(folder / f"{name}.py"))
    ]
    chosen = [
        "--only",
        "bits",
        "--only",
        "flash",
        "--limit",
        "hangs=3",
        "--zip",
        str(folder / "all.zip"),
    ]
    without = Run(folder / "without")
    on_cpu = Run(folder / "cpu", "--device", "cpu", *planted, *chosen)
    ended = Run(folder / "ended", "--device", "cpu", *hanging)
    ended.end_in("hangs")
    for run in (without, on_cpu, ended):
        run.wait()
    return without, on_cpu, ended


@pytest.fixture
def without(runs: tuple[Run, Run, Run]) -> Run:
    return runs[0]


@pytest.fixture
def on_cpu(runs: tuple[Run, Run, Run]) -> Run:
    return runs[1]


@pytest.fixture
def ended(runs: tuple[Run, Run, Run]) -> Run:
    return runs[2]


@pytest.fixture
def modules() -> Iterator[dict[str, ModuleType]]:
    """The script's own modules, which no other test finds afterwards."""
    folders, before = [str(DEVICE), str(DEVICE / "steps")], set(sys.modules)
    sys.path[:0] = folders
    yield {name: importlib.import_module(name) for name in MODULES}
    sys.path[:] = [folder for folder in sys.path if folder not in folders]
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(DEVICE)):
            del sys.modules[name]


pytestmark = pytest.mark.slow


def test_without_the_device_every_step_says_that_it_could_not_run(
    without: Run, modules: dict[str, ModuleType]
) -> None:
    assert [line["step"] for line in without.lines] == list(modules["run"].LIMITS)
    assert {line["state"] for line in without.lines} == {"could not run"}
    assert all(line["said"].startswith("no CUDA device") for line in without.lines)
    assert without.code == 1
    assert list(without.out.glob("*.md")) == []


def test_the_table_names_each_step_and_what_it_would_have_asked(without: Run) -> None:
    for line in without.lines:
        assert any(
            shown.split()[0] == line["step"]
            and line["question"] in shown
            and "no CUDA device" in shown
            for shown in without.printed.splitlines()
            if shown
        )
    assert (without.out / "table.txt").read_text().splitlines()[0] in without.printed


def test_what_hangs_aborts_or_says_nothing_is_a_line_and_stops_no_other(on_cpu: Run) -> None:
    ended = {line["step"]: line["said"] for line in on_cpu.lines if line["state"] == "DID NOT HOLD"}
    assert ended == {
        "hangs": "over its limit of 3 s",
        "aborts": "ended by SIGABRT",
        "mute": "it said nothing",
    }
    assert on_cpu.code == 1
    held = [line for line in on_cpu.lines if line["state"] == "held"]
    assert {line["step"] for line in held} == {"bits"}
    assert len(held) >= 7


def test_the_kernel_of_the_cpu_gives_the_bits_of_the_operations(on_cpu: Run) -> None:
    kernel = [
        line["said"] for line in on_cpu.lines if line["step"] == "bits" and line["state"] == "held"
    ]
    assert all("calls have the same bits (cpu-kernel)" in said for said in kernel)


def test_what_only_cuda_has_is_named_on_the_cpu(on_cpu: Run) -> None:
    passed_over = {
        line["question"]: line["said"] for line in on_cpu.lines if line["state"] == "could not run"
    }
    assert "this is cpu" in passed_over["on a side stream"]
    assert (
        "this is cpu" in passed_over["elements in whose bits flash-attn's kernel differs from ours"]
    )


def test_every_step_has_its_log_and_the_page_has_the_table(on_cpu: Run) -> None:
    assert {file.stem for file in on_cpu.out.glob("*.log")} == {*OWN, "bits", "flash"}
    [page] = on_cpu.out.glob("*.md")
    text = page.read_text()
    assert all(
        f"| {line['step']} | {line['state']} | {line['question']} |" in text
        for line in on_cpu.lines
    )
    assert on_cpu.found["versions"]["torch"] in text


def test_all_results_are_in_one_file_too(on_cpu: Run) -> None:
    with zipfile.ZipFile(on_cpu.out.with_name("all.zip")) as packed:
        assert set(packed.namelist()) == {file.name for file in on_cpu.out.iterdir()}


def test_a_run_that_is_ended_keeps_what_it_has(ended: Run) -> None:
    assert [(line["step"], line["said"]) for line in ended.lines] == [
        ("mute", "it said nothing"),
        ("hangs", "interrupted"),
        ("the run", "it was interrupted"),
    ]
    assert ended.code == 1


def test_the_steps_take_less_than_eight_minutes_with_their_environment(
    modules: dict[str, ModuleType],
) -> None:
    limits = modules["run"].LIMITS
    assert sum(limits.values()) <= 8 * 60 - 40
    assert all((DEVICE / "steps" / f"{name}.py").exists() for name in limits)


def test_too_much_to_carry_is_refused(modules: dict[str, ModuleType], tmp_path: Path) -> None:
    prepare = modules["prepare"]
    (tmp_path / "small.whl").write_bytes(b"0" * 1000)
    assert prepare._counted(tmp_path) == 0
    with open(tmp_path / "large.whl", "wb") as file:
        file.truncate(prepare.MOST)
    assert prepare._counted(tmp_path) == 1


def test_a_bit_that_differs_is_counted(modules: dict[str, ModuleType]) -> None:
    import torch

    x = torch.ones(2, 3, dtype=torch.bfloat16)
    near = x.clone()
    near[1, 1] = torch.nextafter(near[1, 1], torch.tensor(2.0, dtype=torch.bfloat16))
    different = modules["tensors"].different
    assert (different(x, x.clone()), different(near, x), different(-0.0 * x, 0.0 * x)) == (0, 1, 6)


def _step(modules: dict[str, ModuleType], out: Path, device: str = "cuda:0") -> Any:
    return modules["record"].Step("a", device, out, 0.0)


def _said(out: Path) -> dict[str, str]:
    lines = [json.loads(line) for line in (out / "a.jsonl").read_text().splitlines()]
    return {line["question"]: line["state"] for line in lines}


def _cell(device: str, verdict: str, implementation: str = "native") -> dict[str, Any]:
    about = {"dtype": "float32", "check": "forward", "error": 9.0, "message": None}
    return {"implementation": implementation, "device": device, "verdict": verdict, **about}


@pytest.mark.parametrize(("verdict", "state"), [("agrees", "held"), ("disagrees", "DID NOT HOLD")])
def test_a_finding_of_the_matrix_does_not_hold_nor_does_what_the_cpu_sees_otherwise(
    verdict: str, state: str, modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    cells = [
        _cell("cuda:0", verdict),
        _cell("cpu", "agrees"),
        _cell("cuda:0", "unavailable", "liger"),
    ]
    modules["cells"].judged(_step(modules, tmp_path), {"cells": cells}, ["native", "liger"])
    assert _said(tmp_path) == {
        "native agrees": state,
        "liger agrees": "could not run",
        "same verdicts as on the CPU": state,
    }


def test_the_old_executor_is_not_asked_of_devices_that_it_never_knew(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    cells = [
        _cell("mps", "raises", "torchscript-legacy"),
        _cell("cpu", "agrees", "torchscript-legacy"),
    ]
    modules["cells"].judged(
        _step(modules, tmp_path, "mps"), {"cells": cells}, ["torchscript-legacy"]
    )
    assert _said(tmp_path) == {"torchscript-legacy agrees": "could not run"}


def test_a_command_that_has_no_time_left_is_a_line(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    assert _step(modules, tmp_path).rotcheck("probe", report="machine") == {}
    assert _said(tmp_path) == {"`rotcheck probe` comes to its end (machine)": "DID NOT HOLD"}


def test_a_command_is_ended_before_its_step_is(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    record = modules["record"]
    sleeper, at_once = (
        [sys.executable, "-c", "import time; time.sleep(600)"],
        [sys.executable, "-c", "exit(3)"],
    )
    for command, seconds, code in ((sleeper, record.RESERVE + 1, None), (at_once, 600, 3)):
        assert record.Step("a", "cpu", tmp_path, time.monotonic() + seconds)._code(command) == code


@pytest.mark.parametrize(("neighbour", "state"), [("agrees", "held"), ("raises", "DID NOT HOLD")])
def test_what_costs_its_neighbours_their_cells_does_not_hold(
    neighbour: str,
    state: str,
    modules: dict[str, ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    isolation = modules["isolation"]
    cells = [
        _cell("cuda:0", of[0] if dtype == isolation.HARM else "agrees", f"planted.py:{name}")
        | {"dtype": dtype}
        for name, of in isolation.EXPECTED.items()
        for dtype in isolation.DTYPES
    ]
    behind_the_endless = next(
        cell
        for cell in cells
        if (cell["implementation"], cell["dtype"]) == ("planted.py:endless", "bfloat16")
    )
    behind_the_endless["verdict"] = neighbour
    monkeypatch.setattr(modules["record"].Step, "rotcheck", lambda *_, **__: {"cells": cells})
    isolation.planted(_step(modules, tmp_path))
    said = _said(tmp_path)
    assert said.pop("endless costs its own cell only") == state
    assert set(said.values()) == {"held"}


def _reach(verdict: str, emulated: bool = False) -> dict[str, Any]:
    return {"verdict": verdict, "finding": None, "message": None, "emulated": emulated}


@pytest.mark.parametrize(
    ("verdict", "emulated", "state"),
    [("agrees", False, "held"), ("disagrees", False, "DID NOT HOLD"), ("disagrees", True, "held")],
)
def test_another_verdict_of_context_does_not_hold_unless_the_cpu_emulates(
    verdict: str, emulated: bool, state: str, modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    on_cpu = {("R", "half"): _reach("agrees"), ("R", "matmul-high"): _reach("agrees", emulated)}
    here = {("R", "half"): _reach("agrees"), ("R", "matmul-high"): _reach(verdict)}
    modules["files"].same_context(_step(modules, tmp_path), {"cpu": on_cpu, "cuda:0": here})
    assert list(_said(tmp_path).values()) == [state]


def _row(median: float) -> dict[str, Any]:
    return {
        "state": "ran",
        "seconds": {"median": median, "q25": 0.99 * median, "q75": 1.01 * median},
    }


@pytest.mark.parametrize(
    ("ours", "state"),
    [(0.5, "held"), (1.005, "held"), (1.5, "DID NOT HOLD"), (None, "could not run")],
)
def test_a_target_of_speed_holds_up_to_the_noise(
    ours: float | None, state: str, modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    speed = modules["speed"]
    rows = {("liger", speed.LARGE, speed.BOTH): _row(1.0)}
    if ours is not None:
        rows["ours.py:heads_first", speed.LARGE, speed.BOTH] = _row(ours)
    speed.as_fast(
        _step(modules, tmp_path), rows, "liger", "ours.py:heads_first", speed.LARGE, speed.BOTH
    )
    assert list(_said(tmp_path).values()) == [state]


def test_the_workflow_for_apple_silicon_waits_to_be_started() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "apple.yml").read_text())
    assert workflow[True] == "workflow_dispatch"  # YAML takes `on` for a truth
    commands = [step.get("run", "") for step in workflow["jobs"]["mps"]["steps"]]
    assert any("tests/device/run.py --device mps" in command for command in commands)
