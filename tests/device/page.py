"""What a run found: the table of what held, and the page for the device, made of the files that the steps wrote."""

import contextlib
import json
import platform
import re
import zipfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

STATES = ("held", "DID NOT HOLD", "could not run", "measured")
WIDEST = 160  # characters of a line of the table in plain text
SECTIONS = {
    "The matrix": ("matrix.md",),
    "All checks": ("full.md",),
    "Speed": ("speed-small.md", "speed-large.md", "speed-compiled.md"),
    "Training": ("training.md",),
    "The machine": ("machine.md",),
}


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
        return str(self.facts.get("name") or f"{self.device} of {platform.system()} {platform.machine()}")

    @property
    def page_file(self) -> Path:
        """The page: `DATE-DEVICE.md`."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        return self.out / f"{date.today().isoformat()}-{slug}.md"

    def why_not(self) -> str:
        """Return why no step could run."""
        kind = self.device.partition(":")[0]
        said = self.facts["why"]
        return said if said.startswith("no environment") else f"no {kind.upper()} device ({said})"

    def add(self, step: str, state: str, question: str, said: str) -> None:
        """Add a line, and print it."""
        self.lines.append(Line(step, state, question, said))
        print(_short(f"{step}: {state}: {question}: {said}"), flush=True)

    def take(self, step: str, became: str | None, seconds: float) -> None:
        """Add the lines that a step wrote, and what went wrong with it."""
        self.seconds[step] = seconds
        file, before = self.out / f"{step}.jsonl", len(self.lines)
        for line in file.read_text().splitlines() if file.exists() else ():
            with contextlib.suppress(
                json.JSONDecodeError
            ):  # cut off as the step was ended; it did not hold then
                self.add(step, **{key: json.loads(line)[key] for key in ("state", "question", "said")})
        if became or len(self.lines) == before:
            self.add(step, "DID NOT HOLD", "the step runs to its end", became or "it said nothing")

    def exit_code(self) -> int:
        """Return 0 when something held and nothing did not, else 1."""
        states = {line.state for line in self.lines}
        return 0 if "held" in states and "DID NOT HOLD" not in states else 1

    def summary(self) -> str:
        """Return how many lines have each state."""
        counted = [f"{sum(line.state == state for line in self.lines)} {state}" for state in STATES]
        return f"{self.name}: {', '.join(counted)}; {sum(self.seconds.values()):.0f} s"

    def table(self) -> str:
        """Return the table in plain text, a line a question."""
        wide = max((len(line.step) for line in self.lines), default=0)
        rows = [f"{line.step:{wide}}  {line.state:13}  {line.question}: {line.said}" for line in self.lines]
        return "\n".join(map(_short, rows))

    def write(self) -> None:
        """Write the table, the page and the figures behind them; whatever is there already is replaced."""
        (self.out / "table.txt").write_text(f"{self.table()}\n{self.summary()}\n")
        self.page_file.write_text(self.page())
        found = {"device": self.device, "installed": self.installed, **self.facts, "seconds": self.seconds}
        lines = [{"step": line.step, "state": line.state, "question": line.question, "said": line.said}
                 for line in self.lines]  # fmt: skip
        (self.out / "results.json").write_text(json.dumps(found | {"lines": lines}, indent=1))
        if self.archive:
            self._pack(self.archive)

    def _pack(self, archive: Path) -> None:
        """Write all files into one, which is replaced at once."""
        beside = archive.with_suffix(".part")
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(each for each in self.out.iterdir() if each.is_file()):
                if file not in (beside, archive.resolve()):
                    packed.write(file, file.name)
        beside.replace(archive)

    def page(self) -> str:
        """Return the page in Markdown."""
        versions = ", ".join(f"{name} {of}" for name, of in self.facts.get("versions", {}).items())
        beside_cpu = [line for line in self.lines if "CPU" in line.question]
        parts = [
            f"# {self.name}, {date.today().isoformat()}",
            f"`python tests/device/run.py --device {self.device}`: {self.summary()}.",
            f"- {versions}\n- {platform.platform()}\n- {self.installed}",
            f"## What held\n\n{_rows(self.lines)}",
        ]
        if beside_cpu:
            parts.append(f"## Beside the CPU\n\n{_rows(beside_cpu)}")
        for title, names in SECTIONS.items():
            texts = [(self.out / name).read_text().strip() for name in names if (self.out / name).exists()]
            if texts:
                parts.append("\n\n".join([f"## {title}", *texts]))
        return "\n\n".join(parts) + "\n"


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "its log is empty"


def _rows(lines: list[Line]) -> str:
    cells = [[line.step, line.state, line.question, line.said.replace("|", "\\|")] for line in lines]
    rows = [["step", "state", "question", "what was seen"], ["---"] * 4, *cells]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."
