"""Asks of a machine with a device all that rotcheck promises there:
one command, under eight minutes, no network.

    python tests/device/run.py
    python tests/device/run.py --device mps
    python tests/device/run.py --wheels wheels --out results --zip results.zip

Each step is a process with a limit and a log of its own, and the next one goes on whatever became
of it. What is found is written after every step. README.md beside this file says more.
"""

import argparse
import ast
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import environment
import page
from packing import ROOT, PipFailed

STEPS = Path(__file__).resolve().parent / "steps"
# seconds that torch may take to be imported for the first time, and to use the device
ANSWER = 90.0
LIMITS = {
    "isolation": 60.0,
    "bits": 65.0,
    "flash": 15.0,
    "machine": 40.0,
    "matrix": 50.0,
    "full": 65.0,
    "files": 40.0,
    "speed": 80.0,
    "training": 25.0,
}
"""The steps in their order, and the seconds of each, 440 in all.

What one leaves over goes to those behind it.
"""

OWN = 60.0  # seconds for a step that is given


@dataclass(frozen=True, slots=True)
class Step:
    """A step to run: its file, and how long it may take."""

    name: str
    file: Path
    limit: float

    @property
    def title(self) -> str:
        """What it asks: the first line of its file."""
        return (
            (ast.get_docstring(ast.parse(self.file.read_text())) or self.name)
            .partition("\n")[0]
            .rstrip(".")
        )


def main() -> int:
    """Run the steps and show the table; return 0 when something held and nothing did not."""
    given = _given()
    signal.signal(signal.SIGTERM, _stop)
    out: Path = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    results = page.Results(out, given.device, given.zip and given.zip.resolve())
    try:
        with tempfile.TemporaryDirectory() as temporary:
            _all(results, _steps(given), Path(temporary, "site"), given)
    except KeyboardInterrupt:
        results.add("the run", "DID NOT HOLD", "every step has run", "it was interrupted")
    results.write()
    print(f"\n{results.told()}")
    return results.exit_code()


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folder, several = {"type": Path, "metavar": "FOLDER"}, {"action": "append", "default": []}
    parser.add_argument("--device", default="cuda:0", help="cuda:0 (default), mps, xpu, cpu, ...")
    parser.add_argument("--out", default=ROOT / "device-results", **folder, help="where results go")
    parser.add_argument("--zip", type=Path, metavar="FILE", help="all results in one file too")
    parser.add_argument(
        "--wheels", default=ROOT / "wheels", **folder, help="what prepare.py prepared"
    )
    parser.add_argument(
        "--only", **several, metavar="STEP", help=f"of {', '.join(LIMITS)}; repeatable"
    )
    parser.add_argument(
        "--limit", **several, type=_limit, metavar="STEP=SECONDS", help="instead of its own"
    )
    parser.add_argument(
        "--step", **several, type=Path, metavar="FILE", help="one of your own, run first"
    )
    given = parser.parse_args()
    unknown = [name for name in given.only if name not in LIMITS]
    if unknown:
        parser.error(f"unknown step {unknown[0]!r}; it can be {', '.join(LIMITS)}")
    return given


def _limit(text: str) -> tuple[str, float]:
    name, _, seconds = text.partition("=")
    return name, float(seconds)


def _stop(number: int, frame: Any) -> NoReturn:
    raise KeyboardInterrupt


def _steps(given: argparse.Namespace) -> list[Step]:
    limits = LIMITS | {file.stem: OWN for file in given.step} | dict(given.limit)
    files = [file.resolve() for file in given.step]
    files += [STEPS / f"{name}.py" for name in LIMITS if not given.only or name in given.only]
    return [Step(file.stem, file, limits[file.stem]) for file in files]


def _all(results: page.Results, steps: list[Step], site: Path, given: argparse.Namespace) -> None:
    """Run one step after the other, in an environment made for them;
    without the device say what each would ask."""
    variables = environment.variables(site)
    results.facts = environment.facts(given.device, variables, ANSWER)
    if not results.facts["why"]:
        try:
            results.installed = environment.install(site, given.wheels)
        except (OSError, PipFailed) as error:
            results.facts["why"] = f"no environment: {error}"
    end = time.monotonic()
    for step in steps:
        end += step.limit
        if results.facts["why"]:
            results.add(step.name, "could not run", step.title, results.why_not())
            continue
        began = time.monotonic()
        try:
            became = _run(step, given.device, results.out, variables, max(1.0, end - began))
        except KeyboardInterrupt:
            results.take(step.name, "interrupted", time.monotonic() - began)
            raise
        results.take(step.name, became, time.monotonic() - began)
        results.write()


def _run(
    step: Step, device: str, out: Path, variables: dict[str, str], seconds: float
) -> str | None:
    """Run a step in a process and a session of its own; return what went wrong with it, or None."""
    (out / f"{step.name}.jsonl").unlink(missing_ok=True)
    command = [sys.executable, str(step.file), step.name, "--device", device, "--out", str(out)]
    with open(out / f"{step.name}.log", "w") as log:
        process = subprocess.Popen(
            [*command, "--ends", str(time.monotonic() + seconds)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=out,
            env=variables,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"over its limit of {seconds:.0f} s"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"exit code {code}: {page.last_line(out / f'{step.name}.log')}" if code else None


if __name__ == "__main__":
    sys.exit(main())
