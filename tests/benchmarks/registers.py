"""Compiles the Triton kernel for every shape that people have, and prints which spill registers:
some minutes.

python tests/benchmarks/registers.py 90
"""

import sys
from itertools import product
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "rotary"))
from machine_code import NAMES, Call, fusions, rotation, spills

LANES = (64, 72, 80, 96, 128, 192, 256, 576)
ROTATE = (16, 64, 128)
HEADS = (1, 3, 32, 256)


def main() -> None:
    """Compile each, and name those that spill or fuse."""
    count = bad = 0
    for lanes, heads, dtype, pairing in product(LANES, HEADS, NAMES, ("half", "interleaved")):
        for rotary_dim, inplace in product(
            {*(each for each in ROTATE if each < lanes), lanes}, (False, True)
        ):
            call = Call(lanes, rotary_dim, heads, dtype, pairing, inplace)
            code = rotation(call, int(sys.argv[1]))
            count += 1
            if spills(code) or fusions(code):
                bad += 1
                print(f"{call}: {spills(code)} bytes spilled, {fusions(code)} operations fused")
    print(f"{bad} of {count} kernels spill or fuse; torch {torch.__version__}")


if __name__ == "__main__":
    main()
