"""What several tests of the context need: the planted objects tried once, and rows by hand."""

from functools import cache
from pathlib import Path
from typing import Any

import rotcheck
from rotcheck.results import Context, Maker, Phase, Reach, summarise

PLANTED = Path(__file__).parent / "planted.py"


def planted(name: str) -> str:
    """Return what the command line calls an object of planted.py."""
    return f"{PLANTED}:{name}"


@cache
def tried(*names: str, **more: Any) -> Context:
    """Try planted objects; the same objects are tried once."""
    return rotcheck.context(*map(planted, names), **more)


def rows(found: Context, name: str) -> dict[str, Reach]:
    """Return the rows of a planted object, by condition."""
    return {row.condition: row for row in found.rows if row.implementation == f"planted.py:{name}"}


def verdicts(found: Context, name: str) -> dict[str, str]:
    """Return the verdicts of a planted object, by condition."""
    return {condition: row.verdict for condition, row in rows(found, name).items()}


def reach(condition: str = "constructed", **more: Any) -> Reach:
    """Return a row that agrees, or whatever is asked for."""
    given: dict[str, Any] = {
        "implementation": "mine.py:Rope",
        "device": "cpu",
        "verdict": "agrees",
        "right_to": 8191,
        "asked_to": 8191,
        "phases": (Phase(position=1, error=1e-7), Phase(position=4097, error=2e-4)),
    }
    return Reach(condition=condition, **{**given, **more})


def context(*made: Reach, **more: Any) -> Context:
    """Return what a run found that has these rows."""
    maker = Maker(
        implementation="mine.py:Rope", kind="builds", schedule="plain", claims=8192, judged_to=8192
    )
    given: dict[str, Any] = {
        "makers": (maker,),
        "device": "cpu",
        "torch": "2.13.0",
        "planned": len(made),
    }
    return Context(
        rotcheck="0.1.0", right=1e-2, rows=made, summary=summarise(made), **{**given, **more}
    )
