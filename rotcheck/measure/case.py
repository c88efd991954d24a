"""What is asked of an implementation: tensors of different sizes everywhere, hard positions, the truth."""

import math
from functools import cached_property

import torch
from torch import Tensor

from rotcheck.measure.subject import Subject
from rotcheck.rotary import angles, lanes, pairs, rotate, tables

BATCH, HEADS, PAIRS = 2, 5, 32  # B, S, H, D and the 3 of packed qkv are all different
POSITIONS = (0, 1, 2, 3, 7, 63, 257, 1000, 2049, 4097, 16385, 65537, 131071)
"""257 is the first integer that bfloat16 cannot hold, 2049 the first for float16 and TF32."""

THETA = 10000.0
SEED = 20260101


class Case:
    """The problem in one dtype, laid out as the implementation's convention says.

    The same pairs are behind every layout and pairing, so that results of different implementations can
    be compared with each other.
    """

    def __init__(self, subject: Subject, dtype: torch.dtype) -> None:
        self.convention, self.device, self.dtype = subject.convention, subject.device, dtype

    @cached_property
    def pairs(self) -> Tensor:
        """The pairs (B, S, 3, H, P, 2) as the dtype holds them, float64 on CPU; of q alone for bshd."""
        generator = torch.Generator("cpu").manual_seed(SEED)
        shape = (BATCH, len(POSITIONS), 3, HEADS, PAIRS, 2)
        exact = torch.randn(shape, generator=generator, dtype=torch.float64, device="cpu")
        rounded = exact.to(self.dtype).double()  # (B, S, 3, H, P, 2)
        return rounded if self.packed else rounded[:, :, 0]  # (B, S, H, P, 2)

    @property
    def packed(self) -> bool:
        """Whether q, k and v come in one tensor."""
        return self.convention.layout == "qkv"

    @cached_property
    def angles(self) -> Tensor:
        """The angles (S, P) of all positions, in radians, float64."""
        return angles(torch.tensor(POSITIONS, device="cpu"), 2 * PAIRS, THETA)

    def x(self) -> Tensor:
        """Return a fresh input tensor, (B, S, 3, H, D) or (B, S, H, D), on the device."""
        return self.put(lanes(self.pairs, self.convention.pairing))

    def put(self, values: Tensor) -> Tensor:
        """Return values as a fresh contiguous tensor of the dtype on the device."""
        return values.to(self.dtype).contiguous().to(self.device, copy=True)

    def tables(self, rows: slice = slice(None), dtype: torch.dtype | None = None) -> tuple[Tensor, ...]:
        """Return fresh tables for the positions of these rows, in the form that the convention names."""
        made = tables(self.convention.tables, self.convention.pairing, self.angles[rows], dtype or self.dtype)
        return tuple(table.contiguous().to(self.device, copy=True) for table in made)

    def rotated(self, values: Tensor, angles: Tensor) -> Tensor:
        """Rotate pairs in float64; of packed ones q and k, while v stays as it is."""
        if not self.packed:
            return rotate(values, angles)  # (B, S, H, P, 2)
        q, k, v = values.unbind(2)  # (B, S, H, P, 2) each
        return torch.stack((rotate(q, angles), rotate(k, angles), v), 2)  # (B, S, 3, H, P, 2)

    @cached_property
    def truth(self) -> Tensor:
        """What the right result is: pairs in float64 on the CPU."""
        return self.rotated(self.pairs, self.angles)

    def read(self, result: Tensor) -> Tensor:
        """Read a result back as pairs in float64 on the CPU; contiguous first, since MPS copies gaps wrong."""
        back = result.detach().contiguous().cpu()
        wide = back if back.is_complex() else back.double()
        return pairs(wide, self.convention.pairing)


def unit(norms: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the rounding step at the size of each pair: eps(dtype) * norm, never below the smallest number.

    `norms`: any shape, float64; so is the result. Rotation keeps a pair's norm and not its elements,
    which is why neither an absolute nor a relative tolerance will do.
    """
    facts = torch.finfo(dtype)
    return (norms * facts.eps).clamp_min(facts.smallest_normal * math.sqrt(2))
