"""The questions asked of an implementation, one file each; the file's name is the check's.

A check is a module with `run(subject, case) -> Evidence`. Its docstring is its row in
`docs/checks.md`: the question, as many lines as it takes, and behind `Catches:` the defects it is
for. The rest stands at the top of the file, each setting a line of its own:

- `level`: "quick" ones are asked by default, "full" ones by `--full` or by name;
- `order`: where it stands among those of its level; without, behind them;
- `needs_values`: False when it can be asked of tensors without values (the `meta` stand-in);
- `needs_gradient = True`: it is not asked of functions that have no gradient by design;
- `traces = True`: it has torch import its tracer, which takes longer than torch itself:
  once, then, for all workers.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

CONVENTION = "convention"
"""The check that no worker runs: its cell is what `identify` says of the function."""

_SETTING = re.compile(r"^(level|order|traces) = (.+)$", re.MULTILINE)
_LEVELS = ("quick", "full")


@dataclass(frozen=True, slots=True)
class CheckFile:
    """A check as its file describes it, read without importing it: that would import torch."""

    name: str
    settings: Mapping[str, Any]
    text: str

    @property
    def module(self) -> str:
        """Its module, which workers import."""
        return f"{__name__}.{self.name}"

    @property
    def level(self) -> str:
        """Whether it is asked by default ("quick") or not ("full")."""
        return str(self.settings.get("level", "quick"))

    @property
    def traces(self) -> bool:
        """Whether it has torch import its tracer."""
        return bool(self.settings.get("traces", False))

    @property
    def place(self) -> tuple[int, float, str]:
        """What checks are sorted by, in reports and in the help."""
        return _LEVELS.index(self.level), self.settings.get("order", float("inf")), self.name

    def docstring(self) -> tuple[str, str]:
        """The question it asks, and what it catches."""
        paragraphs = (ast.get_docstring(ast.parse(self.text)) or "").replace("\n", " ")
        question, _, defects = paragraphs.partition("Catches: ")
        return " ".join(question.split()), " ".join(defects.split()).removesuffix(".")


@cache
def files() -> dict[str, CheckFile]:
    """The checks that workers run, by name, in the order in which reports show them."""
    checks = [_read(file.stem, file) for file in Path(__path__[0]).glob("[!_]*.py")]
    return {check.name: check for check in sorted(checks, key=lambda check: check.place)}


def names(level: str | None = None) -> list[str]:
    """The names of all checks, or of those of a level."""
    return [check.name for check in files().values() if level in (None, check.level)]


def documented_checks() -> list[CheckFile]:
    """All checks, that of `identify` first, as `docs/checks.md` has them."""
    convention = _read(CONVENTION, Path(__path__[0]).parent / "convention_check.py")
    return [convention, *files().values()]


def _read(name: str, file: Path) -> CheckFile:
    text = file.read_text("utf-8")
    settings = {name: ast.literal_eval(value) for name, value in _SETTING.findall(text)}
    return CheckFile(name, settings, text)
