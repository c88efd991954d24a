"""Prints how long `apply_rotary` takes into memory that exists,
against one copy of x into a new tensor.

python tests/benchmarks/out.py 25
"""

import sys
import time
from collections.abc import Callable
from statistics import quantiles

import torch

from rotcheck.rotary import angles, apply_rotary, tables

SHAPE = (4, 4096, 32, 128)  # B, S, H, D
DTYPES = (torch.float32, torch.bfloat16)

Ways = dict[str, Callable[[], object]]


def main() -> None:
    """Time every way in turn, round after round, and print quartiles of the ratios within each."""
    print("| dtype | what | against `x.clone()` in the same round |")
    print("|---|---|---|")
    for dtype in DTYPES:
        ways = of(dtype)
        # the first ones touch new memory
        rounds = [seconds(ways) for _ in range(int(sys.argv[1]) + 2)][2:]
        for what in list(ways)[1:]:
            low, middle, high = quartiles([each[what] / each["clone"] for each in rounds])
            print(
                f"| {str(dtype).removeprefix('torch.')} | {what} | {middle:.2f} × ({low:.2f} to {high:.2f}) |"
            )


def of(dtype: torch.dtype) -> Ways:
    """Return the ways to be timed, the yardstick first."""
    x = torch.randn(SHAPE).to(dtype)
    out, own = torch.zeros_like(x), x.clone()
    given = tables("half-width", "half", angles(torch.arange(SHAPE[1]), SHAPE[-1]), dtype)
    return {
        "clone": x.clone,
        "`out.copy_(x)`": lambda: out.copy_(x),
        "`apply_rotary(x, ..., out=out)`": lambda: apply_rotary(x, *given, out=out),
        "`apply_rotary(x, ..., inplace=True)`": lambda: apply_rotary(own, *given, inplace=True),
        "`apply_rotary(x, ...)`": lambda: apply_rotary(x, *given),
    }


def seconds(ways: Ways) -> dict[str, float]:
    """Return how long each took once."""
    times = {}
    for what, way in ways.items():
        start = time.perf_counter()
        way()
        times[what] = time.perf_counter() - start
    return times


def quartiles(ratios: list[float]) -> list[float]:
    """Return the lower quartile, the median and the upper one."""
    return quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3


if __name__ == "__main__":
    main()
