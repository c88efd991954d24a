"""What several tests of the benchmark need:
the planted functions by name, rows made by hand, made timers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rotcheck
from rotcheck.implementations import registry
from rotcheck.results import Bench, Machine, Spread, Timing

PLANTED = Path(__file__).parent / "clockwork.py"
SMALL = {
    "devices": ["cpu"],
    "dtypes": ["float32"],
    "shapes": ["2x10x3x8x64"],
    "passes": ["forward"],
}


def planted(name: str) -> str:
    """Return what the command line calls a function of clockwork.py."""
    return f"{PLANTED}:{name}"


def shown(name: str) -> str:
    """Return what a report calls it."""
    return f"clockwork.py:{name}"


def timed(*names: str, **more: Any) -> dict[str, Timing]:
    """Time planted and registered functions on the CPU in a small shape;
    return the rows by function."""
    known = [*registry.names(), *registry.exhibits()]
    given = {"seconds": 0.02, "timeout": 60.0, **SMALL, **more}
    found = rotcheck.bench([name if name in known else planted(name) for name in names], **given)
    return {row.implementation.rpartition(":")[2]: row for row in found.timings}


def spread(median: float, noise: float = 0.01) -> Spread:
    """Return a spread whose quartiles lie at this share below and above its median."""
    return Spread(median=median, q25=median * (1 - noise), q75=median * (1 + noise))


def row(
    implementation: str, seconds: float, *, baseline: float = 1e-3, noise: float = 0.01, **more: Any
) -> Timing:
    """Return a row that ran, its copy taking a tenth of the baseline's time."""
    given = {
        "device": "cpu",
        "dtype": "float32",
        "shape": "2x10x3x8x64",
        "pass_": "forward",
        "state": "ran",
        "path": implementation,
        "seconds": spread(seconds, noise),
        "rounds": 30,
        "calls": 4,
        "others_percent": 0.0,
        "copy_seconds": spread(baseline / 10, noise),
        "times_copy": spread(seconds / (baseline / 10), noise),
        "copy_share": spread(100 * (baseline / 10) / seconds, noise),
        "baseline_seconds": spread(baseline, noise),
        "speedup": spread(baseline / seconds, noise),
        "load_seconds": 0.0,
        "first_call_seconds": 2 * seconds,
        "compile_seconds": 0.0,
        "break_even_calls": 0 if seconds < baseline else None,
        "input_bytes": 122880,
        "peak_bytes": 122880,
        "peak_inputs": 1.0,
        "launches": 5,
    }
    return Timing(implementation=implementation, **{**given, **more})


def bad(implementation: str, state: str, message: str, **more: Any) -> Timing:
    """Return a row without figures."""
    given = {"device": "cpu", "dtype": "float32", "shape": "2x10x3x8x64", "pass_": "forward"}
    return Timing(implementation=implementation, state=state, message=message, **{**given, **more})


def bench(*rows: Timing, **more: Any) -> Bench:
    """Return a benchmark of these rows against native."""
    machine = Machine(
        system="Linux 6.1.0",
        processor="Xeon",
        cores=2,
        memory_gib=7.8,
        python="3.11.7",
        torch="2.13.0+cpu",
    )
    given = {"against": "native", "budget_seconds": 0.5, "planned": len(rows)}
    return Bench(rotcheck="0.1.0", machine=machine, timings=rows, **{**given, **more})


class Made:
    """A timer that takes given seconds a call, in turn, and writes down when it was called."""

    most_calls = 1000

    def __init__(self, name: str, seconds: Sequence[float], log: list[str]) -> None:
        self.name, self.seconds, self.log, self.at = name, seconds, log, 0

    def batch(self, calls: int) -> float:
        """Return the seconds of so many calls."""
        self.log.append(self.name)
        self.at += 1
        return calls * self.seconds[(self.at - 1) % len(self.seconds)]
