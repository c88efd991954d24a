"""Makers of tables with one thing wrong about their state, others that are right, in a decoder."""

from typing import Any

import torch
from small_decoder import ORIGINAL, WIDTH, CacheAttention, RotaryTables, SmallDecoder
from torch import Tensor, nn


def frequencies(theta: float = 10000.0) -> Tensor:
    """Radians a position, (P,)."""
    return theta ** (-torch.arange(0, WIDTH, 2) / WIDTH)


def tables_of(angles: Tensor) -> tuple[Tensor, Tensor]:
    """cos and sin (B, 1, S, D) of angles (B, S, P)."""
    angles = torch.cat((angles, angles), -1)[:, None]
    return angles.cos(), angles.sin()


class FreshTables(nn.Module):
    """Right: frequencies are computed in each call."""

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        return tables_of(positions[..., None].float() * frequencies())


class GrownRows(nn.Module):
    """Right: a table that is made longer when a position asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer(
            "rows", torch.outer(torch.arange(8.0), frequencies()), persistent=False
        )

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        longest = int(positions.max()) + 1
        if longest > len(self.rows):
            self.rows = torch.outer(torch.arange(float(longest)), frequencies())
        return tables_of(self.rows[positions])


class ShortTables(nn.Module):
    """Right: a position that the table does not have raises."""

    def __init__(self) -> None:
        super().__init__()
        rows = torch.outer(torch.arange(float(ORIGINAL)), frequencies())
        angles = torch.cat((rows, rows), -1)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        return self.cos[self.rows(positions)][:, None], self.sin[self.rows(positions)][:, None]

    def rows(self, positions: Tensor) -> Tensor:
        """Which rows of the table are taken."""
        return positions


class CachedTables(RotaryTables):
    """Wrong under autocast alone: a matrix product makes its table, once."""

    table: Tensor | None = None

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        if self.table is None:
            self.table = torch.arange(ORIGINAL).float()[:, None] @ self.inv_freq[None]  # (L, P)
        angles = self.table[positions].float().repeat(1, 1, 2)[:, None]
        return angles.cos(), angles.sin()


class ClampedTables(ShortTables):
    """Wrong: a position that the table does not have is turned as the last one."""

    def rows(self, positions: Tensor) -> Tensor:
        return positions.clamp_max(ORIGINAL - 1)


class CircularTables(ShortTables):
    """Wrong: a position that the table does not have is turned as one of the first."""

    def rows(self, positions: Tensor) -> Tensor:
        return positions % ORIGINAL


class DynamicTables(RotaryTables):
    """Right: theta grows with the sequence, and shrinks again."""

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        growth = max(1.0, (int(positions.max()) + 1) / ORIGINAL)
        self.inv_freq = frequencies(10000.0 * growth ** (WIDTH / (WIDTH - 2)))
        return super().forward(positions)


class KeptTables(RotaryTables):
    """Wrong: theta grows with the sequence, and stays."""

    growth = 1.0

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        self.growth = max(self.growth, (int(positions.max()) + 1) / ORIGINAL)
        self.inv_freq = frequencies(10000.0 * self.growth ** (WIDTH / (WIDTH - 2)))
        return super().forward(positions)


class ProductTables(RotaryTables):
    """Wrong: the angles are a matrix product, which autocast rounds."""

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        return tables_of(positions[..., None].float() @ self.inv_freq[None])


class ResetTables(RotaryTables):
    """Right: it makes its buffer again where it is asked to."""

    def reset_parameters(self) -> None:
        """Called on what was built on meta."""
        self.inv_freq.copy_(frequencies())


class LoadedTables(RotaryTables):
    """Wrong: loading puts another theta's frequencies into the buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.inv_freq = frequencies(500000.0)

    def _load_from_state_dict(self, *arguments: Any) -> None:
        self.inv_freq = frequencies()
        super()._load_from_state_dict(*arguments)


class CountsCalls(CacheAttention):
    """Wrong: each call begins where the last one ended, the one that is a recomputation too."""

    calls = 0

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, *rest: Any) -> Any:
        angle = 0.1 * self.calls
        self.calls += torch.is_grad_enabled()
        c, s = torch.cos(torch.tensor(angle)), torch.sin(torch.tensor(angle))
        return super().forward(x, cos * c - sin * s, sin * c + cos * s, *rest)


class OtherWhenCompiled(CacheAttention):
    """Wrong: what a compiler sees is turned the other way."""

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, *rest: Any) -> Any:
        return super().forward(x, cos, -sin if torch.compiler.is_compiling() else sin, *rest)


class ForgetsTheta(SmallDecoder):
    """Wrong: what it saves does not say which theta it has."""

    def __init__(self, theta: float = 500000.0) -> None:
        super().__init__()
        self.rotary.inv_freq = frequencies(theta)

    def save_pretrained(self, folder: str) -> None:
        """Save the weights."""
        torch.save(self.state_dict(), f"{folder}/weights.pt")

    @classmethod
    def from_pretrained(cls, folder: str) -> "ForgetsTheta":
        """Load the weights."""
        module = cls(theta=10000.0)
        module.load_state_dict(torch.load(f"{folder}/weights.pt"))
        return module


def with_tables(kind: type[nn.Module]) -> type[SmallDecoder]:
    """A decoder with another maker of tables."""
    return type(kind.__name__, (SmallDecoder,), {"tables": kind})
