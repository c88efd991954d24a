"""The probe as a whole: its front, its groups, and an end before the end."""

import getpass
import json
import os
import platform
import re
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
from probing import SOURCE, Found, finish, machine, start

import rotcheck
from rotcheck.isolation import Pool
from rotcheck.probe.run import PRELOAD, probe, survey
from rotcheck.results import Line

TOLD = """
import json, sys
import rotcheck
from rotcheck.report.formats.json import encode
found = rotcheck.probe(on_line=lambda line: print(line.name, file=sys.stderr, flush=True))
sys.stdout.write(encode(found))
print(json.dumps({}), file=sys.stderr)
"""


def test_the_front_never_imports_torch_and_stays_small(here: Found) -> None:
    assert here.front["torch"] is False
    assert here.front["mib"] < 40


def test_the_probe_is_data_of_its_schema(here: Found) -> None:
    assert json.loads(here.text)["schema"] == "rotcheck/probe/1"
    assert here.probe.rotcheck == rotcheck.__version__
    assert here.probe.interrupted is False


def test_the_machine_is_described(here: Found) -> None:
    found = here.probe.machine
    assert found.python == platform.python_version()
    assert (
        found.cores == len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else found.cores
    )
    assert found.memory_gib == round(psutil.virtual_memory().total / 2**30, 1)
    assert found.system
    assert found.processor


def _without_knowledge(found: Found) -> str:
    """Return a probe's text without causes and fixes,
    which are rotcheck's own words and name usual folders."""
    data = json.loads(found.text)
    for line in data["machine"]["lines"]:
        del line["cause"], line["fix"]
    return json.dumps(data, ensure_ascii=False)


def test_nothing_of_its_owner_is_in_it(here: Found, wrecked: Found) -> None:
    for text in map(_without_knowledge, (here, wrecked)):
        assert not re.search(r"(?<![\w<])/(home|root|Users|tmp|usr|opt|nonexistent)\b", text)
        for private in (sys.prefix, SOURCE, str(Path.home())):
            assert private not in text
        assert not re.search(rf"\b{re.escape(platform.node())}\b", text)
    assert getpass.getuser() not in here.text


def test_a_pool_that_is_warm_already_gives_only_the_groups_asked_for() -> None:
    told: list[Line] = []
    with Pool(preload=PRELOAD) as pool:
        list(pool.run([]))
        devices = survey(pool, groups={"devices"}, on_line=told.append)
        switches = survey(pool, groups=["switches"])
    assert {line.group for line in devices.lines} == {"devices"}
    assert devices.devices()["cpu"].state == "runs"
    assert sorted(line.name for line in told) == sorted(devices.devices())
    assert {line.group for line in switches.lines} == {"switches"}


def test_an_unknown_group_is_answered_with_those_that_exist() -> None:
    with (
        Pool() as pool,
        pytest.raises(ValueError, match="no such group of lines: gpus; there are devices, "),
    ):
        survey(pool, groups=["gpus"])


def test_an_interrupt_between_two_lines_keeps_those_found() -> None:
    told: list[Line] = []

    def stop(line: Line) -> None:
        told.append(line)
        if line.name == "torch":
            raise KeyboardInterrupt

    found = probe(on_line=stop)
    assert found.interrupted
    assert {line.name for line in found.machine.lines} == {line.name for line in told}
    assert found.machine.torch is not None


def test_ctrl_c_while_torch_is_imported_leaves_lines_and_no_process(tmp_path: Path) -> None:
    process = start(
        machine(
            tmp_path, {"torch/__init__.py": "import time\ntime.sleep(600)\n"}, hidden=["triton"]
        ),
        TOLD,
    )
    assert process.stderr
    assert process.stderr.readline() == "environment\n"
    # Python's own handler can lose a signal that comes while the front imports something
    time.sleep(1)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    found = finish(process)
    assert found.probe.interrupted
    assert "environment" in found.lines
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert gone
    assert not alive
