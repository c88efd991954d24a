"""TorchScript: what the quick way of asking leaves out is held against the slow one."""

from pathlib import Path

import pytest
from probing import Found, machine, probe_on

from rotcheck.isolation import Job, Outcome, Pool, Returned
from rotcheck.probe.devices import EXECUTORS
from rotcheck.probe.inside import executors
from rotcheck.probe.outcome_lines import state_of, why
from rotcheck.probe.topic import questions

PAIRS = [("cpu", name) for name in (*EXECUTORS, "NNC forced on CPU")] + [
    ("meta", name) for name in EXECUTORS
]


def unhurried(_: None) -> object:
    """Open a job that runs the same on meta tensors
    with torch's own Python shape functions in place."""
    executors.use_native_kernels = lambda: None
    return lambda pair: executors.run(*pair)


def named(device: str, executor: str) -> str:
    return executor if executor.endswith("CPU") else f"{executor} on {device}"


@pytest.fixture(scope="module")
def alone() -> dict[str, Outcome]:
    """Each executor on each device in a process of its own, nothing else run before."""
    jobs = [questions(named(*pair), ["inside.executors", "run", *pair]) for pair in PAIRS]
    slow = Job(
        "unhurried",
        "test_fuser_runs:unhurried",
        None,
        [["meta", name] for name in EXECUTORS],
        limit=120,
    )
    with Pool(preload=["torch"]) as pool:
        found = list(pool.run([*jobs, slow]))
    return {
        done.job.name if done.job is not slow else f"slow {done.task[1]}": done.outcome
        for done in found
    }


@pytest.mark.parametrize("pair", PAIRS)
def test_sharing_a_process_changes_nothing(
    alone: dict[str, Outcome], bare: Found, pair: tuple[str, str]
) -> None:
    line, outcome = bare[named(*pair)], alone[named(*pair)]
    assert (line.state, line.detail) == (state_of(outcome), why(outcome))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_shape_functions_change_nothing(
    alone: dict[str, Outcome], bare: Found, executor: str
) -> None:
    line, outcome = bare[named("meta", executor)], alone[f"slow {executor}"]
    assert (line.state, line.detail) == (state_of(outcome), why(outcome))


def test_every_flag_is_left_as_it_was() -> None:
    asked = [["inside.executors", "settings"]]
    runs = [["inside.executors", "run", "cpu", name] for _, name in PAIRS[:4]]
    with Pool(preload=["torch"]) as pool:
        first, *_, last = pool.run([questions("flags", *asked, *runs, *asked)])
    assert isinstance(first.outcome, Returned)
    assert last.outcome.value == first.outcome.value


def test_scripting_switched_off_is_said(tmp_path: Path) -> None:
    found = probe_on(machine(tmp_path, hidden=["flash_attn", "triton"], PYTORCH_JIT="0"))
    line = found["legacy executor on meta"]
    assert (line.state, line.detail) == ("runs", "ran as plain Python: scripting is switched off")
    assert (found["PYTORCH_JIT"].state, found["PYTORCH_JIT"].detail) == ("set", "0")
