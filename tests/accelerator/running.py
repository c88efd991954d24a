"""rotcheck's commands on a machine with the pretend accelerator, in each of its moods."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEVICE = "pretend:0"
FRONT = "from rotcheck.cli.main import main; main()"
MOODS = {
    "as-cuda": {},
    "no-float64": {"PRETEND_NO_FLOAT64": "1"},
    "asserts": {"PRETEND_ASSERTS": "1"},
    "strided-copies": {"PRETEND_STRIDED_COPIES": "1"},
    "all-at-once": {
        "PRETEND_NO_FLOAT64": "1",
        "PRETEND_ASSERTS": "1",
        "PRETEND_STRIDED_COPIES": "1",
    },
}
"""What accelerators do beside refusing to mix devices,
by the switch of pretend.cpp that does it."""
HARSH = "all-at-once"
EXTREMES = ("as-cuda", HARSH)
"""The moods for whole commands: one has float64, the other everything that can go wrong."""


@dataclass(frozen=True)
class Machine:
    """A machine whose torch finds the pretend accelerator, built in `folder`."""

    folder: Path

    def environment(self, mood: str = "as-cuda") -> dict[str, str]:
        """Return the environment in which any process that imports torch has the device,
        in a mood."""
        return {**os.environ, "PYTHONPATH": str(self.folder), **MOODS[mood]}

    def run(self, *arguments: str, mood: str = "as-cuda") -> subprocess.CompletedProcess[str]:
        """Run a command of rotcheck."""
        command = [sys.executable, "-c", FRONT, *arguments]
        return subprocess.run(command, env=self.environment(mood), capture_output=True, text=True)

    def json(self, *arguments: str, mood: str = "as-cuda") -> Any:
        """Run a command of rotcheck and return what it found, as JSON;
        AssertionError when it fails itself."""
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            done = self.run(*arguments, "--output", file.name, "--quiet", mood=mood)
            assert done.returncode in (0, 1, 5), done.stderr
            return json.loads(Path(file.name).read_bytes())
