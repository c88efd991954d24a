"""One file a kind of hazard; a new one is a new file here and nothing else.

A rule's module has

- `CODE`, in kebab case: what `# rotcheck: ignore[CODE]`, `--select` and `rotcheck explain CODE`
  name it by. It stands in `findings` of the failure that explains it (`diagnose/failures/*.toml`);
- `TITLE`, the hazard in a few words;
- `WORDS`, texts without quotes or blanks of which a file holds at least one,
  or the rule is not asked: most files need not be parsed at all;
- `ROTARY_ONLY = True`, optional: nor is it asked about a file in which nothing
  is named as rotary code is;
- `TESTS_TOO = True`, optional: it is asked about tests and benchmarks too,
  which the others leave alone;
- `hazards(module, project)`, which yields
  what `module.hazard(CODE, node, message, change, devices=...)` makes.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Protocol, cast

from rotcheck.results import Hazard
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project


class Rule(Protocol):
    """What a rule's module has."""

    CODE: str
    TITLE: str
    WORDS: tuple[str, ...]

    def hazards(self, module: Module, project: Project) -> Iterator[Hazard]: ...


@cache
def rules() -> dict[str, Rule]:
    """Every rule by its code, in the order of the codes."""
    modules = (
        importlib.import_module(f"{__name__}.{file.name}")
        for file in pkgutil.iter_modules(__path__)
    )
    return {module.CODE: cast(Rule, module) for module in sorted(modules, key=lambda m: m.CODE)}
