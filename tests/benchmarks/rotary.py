"""Prints what `rotcheck.rotary` is held to, and what `rotcheck bench` measured:
the table of docs/speed.md.

rotcheck bench rotcheck native-compiled complex torchscript -o bench.json
python tests/benchmarks/rotary.py bench.json
"""

import sys
from pathlib import Path

import msgspec

from rotcheck.results import Bench, Spread, Timing

OURS, COMPILED, NATIVE = "rotcheck", "native-compiled", "native"
SMALL = "2x10x3x8x64"

Rows = dict[str, Timing]


def main() -> None:
    """Read a report and print the table."""
    bench = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Bench)
    print(
        "| shape, dtype, pass | against native | against torch.compile of it | one copy each way | overhead |"
    )
    print("|---|---|---|---|---|")
    for (shape, dtype, way), rows in grouped(bench).items():
        ours = rows[OURS]
        cells = (
            f"{shape} {dtype} {way}",
            faster(ours.speedup),
            beside(rows),
            times(ours.times_copy),
            overhead(rows),
        )
        print(f"| {' | '.join(cells)} |")


def grouped(bench: Bench) -> dict[tuple[str, str, str], Rows]:
    """Return the rows that ran, by shape, dtype and pass and then by implementation."""
    found: dict[tuple[str, str, str], Rows] = {}
    for row in bench.timings:
        if row.state == "ran":
            found.setdefault((row.shape, row.dtype, row.pass_), {})[row.implementation] = row
    return found


def faster(speedup: Spread | None) -> str:
    """Return how many times faster, with the quartiles."""
    return (
        f"{speedup.median:.1f} × faster ({speedup.q25:.1f} to {speedup.q75:.1f})"
        if speedup
        else "not measured"
    )


def times(ratio: Spread | None) -> str:
    """Return how many copies long."""
    return f"{ratio.median:.2f} × ({ratio.q25:.2f} to {ratio.q75:.2f})" if ratio else "not measured"


def beside(rows: Rows) -> str:
    """Return how much faster than the compiled one: both were timed beside native."""
    ours, theirs = rows[OURS].speedup, rows[COMPILED].speedup if COMPILED in rows else None
    return f"{ours.median / theirs.median:.1f} × faster" if ours and theirs else "not measured"


def overhead(rows: Rows) -> str:
    """Return the microseconds beyond the fastest of all, on the small shape."""
    ours = rows[OURS].seconds
    if rows[OURS].shape != SMALL or not ours:
        return ""
    name, fastest = min(
        ((name, row.seconds.median) for name, row in rows.items() if row.seconds),
        key=lambda pair: pair[1],
    )
    return "the fastest" if name == OURS else f"{(ours.median - fastest) * 1e6:.0f} µs over {name}"


if __name__ == "__main__":
    main()
