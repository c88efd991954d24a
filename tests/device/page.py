"""What a run found: the table of what held, and the page for the device,
made of the files that the steps wrote."""

import contextlib
import json
import platform
import re
import zipfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

STATES = ("held", "DID NOT HOLD", "could not run", "measured")
WIDEST = 190  # characters of a line of the table in plain text
SECTIONS = {
    "matrix": ("The matrix", ("matrix.md",)),
    "full": ("All checks", ("full.md",)),
    "speed": ("Speed", ("speed-2x10x3x8x64.md", "speed-4x4096x3x32x128.md", "speed-compiled.md")),
    "training": ("Training", ("training.md",)),
    "machine": ("The machine", ("machine.md",)),
}
"""Of a step its title on the page, and the reports that follow."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    step: str
    state: str  # of STATES
    question: str
    said: str


@dataclass
class Results:
    """What was found so far, written into a folder, and into one file where that is asked for."""

    out: Path
    device: str
    archive: Path | None
    installed: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The device's own name, as far as torch tells it; of Apple's the system's."""
        return str(
            self.facts.get("name") or f"{self.device} of {platform.system()} {platform.machine()}"
        )

    @property
    def page_file(self) -> Path:
        """The page, `DATE-DEVICE.md`."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        return self.out / f"{date.today().isoformat()}-{slug}.md"

    def why_not(self) -> str:
        """Return why no step could run."""
        kind = self.device.partition(":")[0]
        said = self.facts["why"]
        return said if said.startswith("no environment") else f"no {kind.upper()} device ({said})"

    def add(self, step: str, state: str, question: str, said: str) -> None:
        """Add a line."""
        self.lines.append(Line(step, state, question, said))

    def take(self, step: str, became: str | None, seconds: float) -> None:
        """Add the lines that a step wrote, and what went wrong with it."""
        self.seconds[step] = seconds
        file, before = self.out / f"{step}.jsonl", len(self.lines)
        for text in file.read_text().splitlines() if file.exists() else ():
            with contextlib.suppress(json.JSONDecodeError):  # cut off where the step was ended
                self.lines.append(Line(step, **json.loads(text)))
        if became or len(self.lines) == before:
            self.add(step, "DID NOT HOLD", "the step runs to its end", became or "it said nothing")
        print(f"{step}: {_counted(self.lines[before:])}; {seconds:.0f} s", flush=True)

    def exit_code(self) -> int:
        """Return 0 when something held and nothing did not, else 1."""
        states = {line.state for line in self.lines}
        return 0 if "held" in states and "DID NOT HOLD" not in states else 1

    def summary(self) -> str:
        """Return how many lines have each state."""
        return f"{self.name}: {_counted(self.lines)}; {sum(self.seconds.values()):.0f} s"

    def table(self, *states: str) -> str:
        """Return the lines of these states, or all of them, in plain text."""
        lines = [line for line in self.lines if not states or line.state in states]
        wide = max((len(line.step) for line in self.lines), default=0)
        return "".join(
            f"{_short(f'{line.step:{wide}}  {line.state:13}  {line.question}: {line.said}')}\n"
            for line in lines
        )

    def told(self) -> str:
        """Return the table, what did not hold once more, and the sum."""
        bad = self.table("DID NOT HOLD")
        again = f"\nwhat did not hold:\n{bad}" if bad else ""
        return f"{self.table()}{again}\n{self.summary()}\nresults: {self.out}"

    def write(self) -> None:
        """Write the table, the figures behind it, and the page of a device that is here."""
        (self.out / "table.txt").write_text(f"{self.table()}{self.summary()}\n")
        found = {
            "device": self.device,
            "installed": self.installed,
            **self.facts,
            "seconds": self.seconds,
        }
        lines = [asdict(line) for line in self.lines]
        (self.out / "results.json").write_text(json.dumps(found | {"lines": lines}, indent=1))
        if not self.facts.get("why", "unknown"):
            self.page_file.write_text(self.page())
        if self.archive:
            self._pack(self.archive)

    def _pack(self, archive: Path) -> None:
        """Write all files into one, which is replaced at once."""
        beside = archive.with_suffix(".part")
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(each for each in self.out.iterdir() if each.is_file()):
                if file not in (beside, archive):
                    packed.write(file, file.name)
        beside.replace(archive)

    def page(self) -> str:
        """Return the page in Markdown."""
        versions = ", ".join(
            f"{name} {of}" for name, of in self.facts.get("versions", {}).items() if of
        )
        beside_cpu = [line for line in self.lines if "as on the CPU" in line.question]
        parts = [
            f"# {self.name}, {date.today().isoformat()}",
            f"`python tests/device/run.py --device {self.device}`: {_counted(self.lines)}.",
            f"- {versions}\n- {platform.platform()}\n- {self.installed}",
            f"## What held\n\n{_rows(self.lines)}",
        ]
        if beside_cpu:
            parts.append(f"## Beside the CPU\n\n{_rows(beside_cpu)}")
        for title, names in (SECTIONS[step] for step in SECTIONS if step in self.seconds):
            texts = [
                (self.out / name).read_text().strip()
                for name in names
                if (self.out / name).exists()
            ]
            if texts:
                parts.append("\n\n".join([f"## {title}", *texts]))
        return "\n\n".join(parts) + "\n"


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "its log is empty"


def _counted(lines: list[Line]) -> str:
    counted = Counter(line.state for line in lines)
    return ", ".join(f"{counted[state]} {state}" for state in STATES if counted[state]) or "nothing"


def _rows(lines: list[Line]) -> str:
    cells = [
        [line.step, line.state, line.question, line.said.replace("|", "\\|")] for line in lines
    ]
    rows = [["step", "state", "question", "what was seen"], ["---"] * 4, *cells]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."
