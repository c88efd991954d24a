"""Runs `rotcheck.probe()` in a process of its own,
on a machine in which things were planted or hidden."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

import rotcheck
from rotcheck.probe.switch_lines import VARIABLES
from rotcheck.results import Line, Probe

SOURCE = str(Path(rotcheck.__file__).parents[1])
SEGFAULT = "import ctypes\nctypes.string_at(0)\n"
CHANGES = ("CC", "CXX", "HIDDEN", "PYTHONPATH", "PYTHONWARNINGS")

FRONT = """
import json, re, resource, sys
import rotcheck
from rotcheck.report.formats.json import encode
found = rotcheck.probe(**json.loads(sys.argv[1]))
sys.stdout.write(encode(found))
if sys.platform == "linux":  # getrusage starts from the peak of whoever started this process
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 2**10
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"torch": "torch" in sys.modules, "mib": peak}), file=sys.stderr)
"""

HIDE = """
import importlib.machinery, os
find, hidden = importlib.machinery.PathFinder.find_spec, os.environ["HIDDEN"].split()
def find_spec(cls, name, path=None, target=None):
    return None if name in hidden else find(name, path, target)
importlib.machinery.PathFinder.find_spec = classmethod(find_spec)
"""


@dataclass(frozen=True)
class Found:
    """What a probe found, and what its front process was at the end."""

    probe: Probe
    text: str
    front: Mapping[str, float]

    def __getitem__(self, name: str) -> Line:
        return self.lines[name]

    @property
    def lines(self) -> dict[str, Line]:
        return {line.name: line for line in self.probe.machine.lines}

    def states(self, group: str) -> dict[str, str]:
        return {line.name: line.state for line in self.probe.machine.lines if line.group == group}


def machine(
    folder: Path,
    files: Mapping[str, str] | None = None,
    hidden: Sequence[str] = (),
    source: str = SOURCE,
    **variables: str,
) -> dict[str, str]:
    """Return the environment of a machine: `files` precede what is installed,
    `hidden` is not installed."""
    planted = dict(files or {})
    if hidden:
        planted["sitecustomize.py"] = HIDE
    for name, text in planted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not (VARIABLES.fullmatch(name) or name in CHANGES)
    }
    path = os.pathsep.join((str(folder), source))
    return kept | {"PYTHONPATH": path, "HIDDEN": " ".join(hidden)} | variables


def start(
    environment: Mapping[str, str], code: str = FRONT, **asked: object
) -> subprocess.Popen[str]:
    """Start a probe as a process."""
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(asked)],
        env=dict(environment),
        cwd=os.sep,  # a folder with no rotcheck in it
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> Found:
    """Wait for a probe and return what it found; it must end by itself with exit code 0."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return Found(msgspec.json.decode(out, type=Probe), out, json.loads(err.splitlines()[-1]))


def probe_on(environment: Mapping[str, str], **asked: object) -> Found:
    """Return what `rotcheck.probe()` finds in this environment."""
    return finish(start(environment, **asked))
