"""What every step shares: what it was told, the lines that it writes as they come,
and rotcheck's commands."""

import argparse
import json
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rotcheck.scrub import scrub

GIVEN = Path(__file__).resolve().parents[1] / "given"
# seconds before a step's end at which a command is interrupted, so that it writes what it has
RESERVE = 6.0
GRACE = 4.0  # seconds that it has for that


@dataclass(frozen=True, slots=True)
class Step:
    """One step: on which device, where its results go, and when it must have ended."""

    name: str
    device: str
    out: Path
    ends: float  # of time.monotonic()

    @property
    def kind(self) -> str:
        """The device without its index."""
        return self.device.partition(":")[0]

    def say(self, question: str, held: bool, said: str) -> None:
        """Write whether something held."""
        self._write(question, "held" if held else "DID NOT HOLD", said)

    def pass_over(self, question: str, why: str) -> None:
        """Write that something could not be asked here."""
        self._write(question, "could not run", why)

    def tell(self, question: str, figure: str) -> None:
        """Write what was measured, and is neither right nor wrong."""
        self._write(question, "measured", figure)

    def _write(self, question: str, state: str, said: str) -> None:
        line = {"question": question, "state": state, "said": scrub(" ".join(said.split()))}
        with open(self.out / f"{self.name}.jsonl", "a") as file:
            file.write(f"{json.dumps(line)}\n")
        print(state, question, said, sep=": ", flush=True)

    def ask(self, question: str, answer: Callable[[], None]) -> None:
        """Ask one thing, which says its own lines;
        what it raises is a line too, and the next is asked."""
        try:
            answer()
        except Exception as error:
            traceback.print_exc()
            self.say(question, False, f"{type(error).__name__}: {error}".splitlines()[0])

    def rotcheck(self, command: str, *arguments: str, report: str) -> dict[str, Any]:
        """Run a command of rotcheck, which writes `report`.json and `report`.md;
        return what the JSON says.

        Short of the step's end it is interrupted, which is a line of the table, and what it has
        finished is returned; empty: it wrote nothing.
        """
        files = [self.out / f"{report}.{kind}" for kind in ("json", "md")]
        for file in files:
            file.unlink(missing_ok=True)
        outputs = [part for file in files for part in ("--output", str(file))]
        print("$ rotcheck", command, *arguments, flush=True)
        code = self._code(
            [sys.executable, "-P", "-m", "rotcheck", command, *arguments, *outputs, "--no-color"]
        )
        found: dict[str, Any] = json.loads(files[0].read_text()) if files[0].exists() else {}
        if code is None or not found:
            why = "time was up" if code is None else f"exit code {code}, and no report"
            self.say(f"`rotcheck {command}` comes to its end ({report})", False, why)
        return found

    def _code(self, command: list[str]) -> int | None:
        """Return the exit code of a command; None: there was no time for it, or too little."""
        seconds = self.ends - RESERVE - time.monotonic()
        if seconds <= 0:
            return None
        process = subprocess.Popen(command, cwd=self.out)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return None


def run(main: Callable[[Step], None]) -> None:
    """Run a step as run.py tells it
    to: `STEP.py NAME --device cuda:0 --out FOLDER --ends MONOTONIC`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--device", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ends", type=float, required=True)
    given = parser.parse_args()
    main(Step(given.name, given.device, given.out.resolve(), given.ends))
