"""The shapes that are timed: packed qkv, or q and k with fewer heads; and the room for them."""

import re
from typing import NamedTuple

from rotcheck.errors import RequestError
from rotcheck.isolation.memory import GIB

DEFAULT = ("2x10x3x8x64", "1x2048x3x16x64", "4x4096x3x16x128")
SLOTS = 3  # query, key and value
# times the input: inputs and gradients of two implementations, and what the greediest one holds
# in between
INPUT_COPIES = 12
BYTES = {"float64": 8, "float32": 4}  # of one element; 2 for all other dtypes
FORMS = (
    f"BATCHxSEQUENCEx3xHEADSxWIDTH, such as {DEFAULT[0]}, "
    "or for grouped heads BATCHxSEQUENCExHEADS/KEY_HEADSxWIDTH, such as 2x10x8/2x64"
)

_N = r"\d{1,18}"
_FORM = re.compile(f"({_N})x({_N})x(?:({_N})x({_N})|({_N})/({_N}))x({_N})")


class QkvShape(NamedTuple):
    """Packed qkv (B, S, 3, H, D); or q (B, S, H, D) and k (B, S, K, D), with K `key_heads`."""

    batch: int
    length: int
    heads: int
    key_heads: int | None  # None: packed
    width: int

    def __str__(self) -> str:
        heads = (
            f"{SLOTS}x{self.heads}" if self.key_heads is None else f"{self.heads}/{self.key_heads}"
        )
        return f"{self.batch}x{self.length}x{heads}x{self.width}"

    def bytes(self, dtype: str) -> int:
        """How many bytes q, k and v hold."""
        heads = self.heads + 2 * (self.heads if self.key_heads is None else self.key_heads)
        return self.batch * self.length * heads * self.width * BYTES.get(dtype, 2)


def parse(text: str) -> QkvShape:
    """Read a shape.

    Raises:
        RequestError: rotary embeddings have no such shape.
    """
    plain = text.replace("×", "x")
    match = _FORM.fullmatch(plain)
    if match is None:
        raise RequestError(f"shape {text!r} cannot be read: write {FORMS}")
    sizes = [int(number) for number in match.groups() if number is not None]
    batch, length, first, second, width = sizes
    slots, shape = first, QkvShape(batch, length, second, None, width)
    if "/" in plain:
        slots, shape = SLOTS, QkvShape(batch, length, first, second, width)
    if 0 in sizes:
        raise RequestError(f"shape {text!r} is empty: each of its numbers must be at least 1")
    if slots != SLOTS:
        raise RequestError(
            f"shape {text!r}: its third number must be 3, for query, key and value; it is {slots}"
        )
    if shape.key_heads and shape.heads % shape.key_heads:
        raise RequestError(
            f"shape {text!r}: the {shape.heads} heads of q cannot share "
            f"{shape.key_heads} of k equally"
        )
    if width % 2:
        raise RequestError(
            f"shape {text!r}: its last number must be even, since lanes rotate in pairs"
        )
    return shape


class Capacity(NamedTuple):
    """How much memory there is, and whose, in words: "a worker may hold", "cuda:0 has"."""

    gib: float
    owner: str


def too_large(shape: str, dtype: str, capacity: Capacity) -> str | None:
    """Why there is no room to time this shape; None: there is."""
    gib = INPUT_COPIES * parse(shape).bytes(dtype) / GIB
    if gib <= capacity.gib:
        return None
    room = f"{capacity.owner} {capacity.gib:.1f} GiB"
    return f"timing {shape} in {dtype} takes about {gib:.1f} GiB, and {room}"
