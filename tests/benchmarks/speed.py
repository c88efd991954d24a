"""Times rotcheck as a whole process against its yardsticks, and prints the table of docs/speed.md.

    python tests/benchmarks/speed.py [RUNS]

Each pair runs in turn, A B A B ..., and the ratio is taken pair by pair, so that it holds on a
noisy machine. One that is not counted comes first, unless RUNS is 1, which shows that all of it
runs and measures little. flash-attn and Triton should not be installed, since importing them is not
what is measured here.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

PYTHON = sys.executable
ROTCHECK = [PYTHON, "-m", "rotcheck"]
TORCH = [PYTHON, "-c", "import torch"]
CRASH = "import os\n\n\ndef crash(qkv, cos, sin):\n    os.abort()\n"
LLAMA = """
import torch


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def apply_rotary_pos_emb(q, k, cos, sin, unsqueeze_dim=1):
    cos, sin = cos.unsqueeze(unsqueeze_dim), sin.unsqueeze(unsqueeze_dim)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
"""


FRONT = """
import atexit, resource, sys
from rotcheck.cli.main import main
report = lambda: print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "MiB", file=sys.stderr)
atexit.register(report)
sys.argv = ["rotcheck", *sys.argv[1:]]
main()
"""


def timed(command: Sequence[str]) -> float:
    """Run a command; return its wall time in seconds."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def peak(command: str) -> str:
    """Return the peak memory of the front process of a command, without its children's."""
    done = subprocess.run(
        [PYTHON, "-c", FRONT, command], capture_output=True, text=True, check=False
    )
    return next(line[5:] for line in done.stderr.splitlines() if line.startswith("peak "))


def ratio(command: Sequence[str], yardstick: Sequence[str], runs: int) -> str:
    """Return the median ratio of two commands' wall times, with its range."""
    _warm_up(command, yardstick, runs)
    found = [timed(command) / timed(yardstick) for _ in range(runs)]
    return f"{statistics.median(found):.2f} × ({min(found):.2f} to {max(found):.2f})"


def added(command: Sequence[str], without: Sequence[str], cells: int, runs: int) -> str:
    """Return the seconds that each of so many cells, or of one whole command, adds."""
    _warm_up(command, without, runs)
    found = [(timed(command) - timed(without)) / cells for _ in range(runs)]
    return f"{statistics.median(found):+.3f} s ({min(found):+.3f} to {max(found):+.3f})"


def _warm_up(one: Sequence[str], other: Sequence[str], runs: int) -> None:
    if runs > 1:
        timed(one), timed(other)


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    for package in ("triton", "flash_attn"):
        if find_spec(package):
            print(f"note: {package} is installed; its import is in these figures")
    with tempfile.TemporaryDirectory() as folder:
        crash = Path(folder) / "crash.py"
        crash.write_text(CRASH)
        llama = Path(folder) / "llama.py"
        llama.write_text(LLAMA)
        rows = [
            ("`rotcheck --version` against `import typer, rich`", "1.5 ×",
             ratio([*ROTCHECK, "--version"], [PYTHON, "-c", "import typer, rich"], 2 * runs)),
            ("`rotcheck probe` against `import torch`", "1.3 ×", ratio([*ROTCHECK, "probe"], TORCH, runs)),
            ("`rotcheck compare` against `import torch`", "1.6 ×", ratio([*ROTCHECK, "compare"], TORCH, runs)),
            ("`rotcheck identify` of a healthy function, beyond `import torch`", "+0.5 s",
             added([*ROTCHECK, "identify", f"{llama}:apply_rotary_pos_emb"], TORCH, 1, runs)),
            ("an added crashing cell", "+0.1 s",
             added([*ROTCHECK, "compare", "native", f"{crash}:crash"], [*ROTCHECK, "compare", "native"], 32, runs)),
            ("peak memory of the front process, `compare`", "40 MiB", peak("compare")),
            ("peak memory of the front process, `probe`", "40 MiB", peak("probe")),
        ]  # fmt: skip
    print("| what | at most | measured: median (least to most) |\n|---|---|---|")
    for what, most, found in rows:
        print(f"| {what} | {most} | {found} |")


if __name__ == "__main__":
    main()
