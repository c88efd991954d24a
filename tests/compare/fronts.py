"""Runs comparisons in front processes of their own, on machines where something is planted."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

import rotcheck
from rotcheck.results import Report, from_json

SOURCE = str(Path(rotcheck.__file__).parents[1])
PATIENCE = 60  # seconds, for what takes a few at most
SEGFAULT = "import ctypes\nctypes.string_at(0)\n"

FRONT = """
import json, sys
import msgspec
from rotcheck.compare.run import compare
from rotcheck.isolation import Pool
asked = json.loads(sys.argv[1])
Pool.__init__.__kwdefaults__["preload_limit"] = asked.pop("preload_limit", 180.0)
found = compare(**asked, on_cell=lambda cell: print(cell.implementation, file=sys.stderr, flush=True))
sys.stdout.buffer.write(msgspec.json.encode(found))
print("torch" in sys.modules, file=sys.stderr)
"""


def planted(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a machine on which these files come before what is installed."""
    packages = folder / "site-packages"
    for name, text in files.items():
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text(text)
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(packages), SOURCE))}


def start(environment: Mapping[str, str], **asked: object) -> subprocess.Popen[str]:
    """Start a comparison; it tells each cell's implementation
    on standard error as it is decided."""
    return subprocess.Popen(
        [sys.executable, "-c", FRONT, json.dumps(asked)],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[Report, bool]:
    """Return the report of a comparison that ends by itself,
    and whether its front imported torch."""
    out, err = process.communicate(timeout=5 * PATIENCE)
    assert process.returncode == 0, err
    return from_json(out), err.splitlines()[-1] == "True"


def report(environment: Mapping[str, str], **asked: object) -> Report:
    """Return the report of a comparison in a process of its own."""
    return finish(start(environment, **asked))[0]


def all_gone(processes: list[psutil.Process]) -> bool:
    """Wait until the processes have ended."""
    return psutil.wait_procs(processes, timeout=PATIENCE)[1] == []


def family(pid: int, at_least: int) -> list[psutil.Process]:
    """Wait until a process has so many below it, and return them."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if len(below := psutil.Process(pid).children(recursive=True)) >= at_least:
            return below
        time.sleep(0.02)
    raise TimeoutError(f"{len(below)} processes below {pid}, not {at_least}")


def appeared(file: Path) -> str:
    """Wait for a file to hold something, and return it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if file.is_file() and (text := file.read_text()):
            return text
        time.sleep(0.02)
    raise TimeoutError(f"{file.name} did not appear")
