"""The shapes that are timed: BATCHxSEQUENCEx3xHEADSxWIDTH of packed qkv."""

import math
import re
from typing import NamedTuple

from rotcheck.errors import RequestError

DEFAULT = ("2x10x3x8x64", "1x2048x3x16x64", "4x4096x3x16x128")
SLOTS = 3  # query, key and value
INPUT_COPIES = (
    # times the input: two timers' inputs and gradients, and what the greediest one holds in
    # between
    12
)
GIB = 1 << 30
BYTES = {"float64": 8, "float32": 4}  # of one element; 2 for all other dtypes

_FORM = re.compile(r"\d{1,18}([x×]\d{1,18}){4}")


def check(text: str) -> str:
    """Return the shape as `2x10x3x8x64`; raises `RequestError` when rotary embeddings have no such shape."""
    if not _FORM.fullmatch(text):
        raise RequestError(
            f"shape {text!r} is not five numbers: write BATCHxSEQUENCEx3xHEADSxWIDTH, such as {DEFAULT[0]}"
        )
    sizes = sizes_of(text.replace("×", "x"))
    if 0 in sizes:
        raise RequestError(f"shape {text!r} holds nothing: each of its numbers must be at least 1")
    if sizes[2] != SLOTS:
        raise RequestError(
            f"shape {text!r}: its third number must be 3, for query, key and value; it is {sizes[2]}"
        )
    if sizes[4] % 2:
        raise RequestError(
            f"shape {text!r}: its last number must be even, since lanes rotate in pairs"
        )
    return "x".join(map(str, sizes))


def sizes_of(shape: str) -> list[int]:
    """Return [B, S, 3, H, D]."""
    return [int(size) for size in shape.split("x")]


class Capacity(NamedTuple):
    """How much memory there is, and whose, in words that the figure follows: "a worker may hold", "cuda:0 has"."""

    gib: float
    owner: str


def too_large(shape: str, dtype: str, room: Capacity) -> str | None:
    """Return why there is no room to time this shape; None when there is."""
    needed = INPUT_COPIES * math.prod(sizes_of(shape)) * BYTES.get(dtype, 2) / GIB
    if needed <= room.gib:
        return None
    return f"timing {shape} in {dtype} takes about {needed:.1f} GiB, and {room.owner} {room.gib:.1f} GiB"
