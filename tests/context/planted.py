"""Builders, modules and rotations that make their own angles:
healthy ones, and ones with a defect each."""

import os
import time
from typing import Any

import torch
from torch import Tensor, nn


def inverse(dim: int, theta: float = 10000.0) -> Tensor:
    return 1.0 / (theta ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim))


def repeated(angles: Tensor) -> tuple[Tensor, Tensor]:
    whole = torch.cat((angles, angles), -1)
    return whole.cos(), whole.sin()


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn x (B, S, H, D) by tables (S, D)."""
    a, b = x.chunk(2, -1)
    cos, sin = beside(cos[:, None].to(x.dtype), x), beside(sin[:, None].to(x.dtype), x)
    return x * cos + torch.cat((-b, a), -1) * sin


def beside(table: Tensor, x: Tensor) -> Tensor:
    """Move a table that is no buffer to where it is needed;
    one that was left on meta stays there."""
    return table if table.is_meta else table.to(x.device)


# Healthy


def precompute_freqs_cis(dim: int, end: int, theta: float = 500000.0) -> Tensor:
    """Llama 3's."""
    angles = torch.outer(torch.arange(end, dtype=torch.float32), inverse(dim, theta))
    return torch.polar(torch.ones_like(angles), angles)


def exact_tables(dim: int, end: int) -> tuple[Tensor, Tensor]:
    """Computed in float64 and rounded once."""
    frequencies = 10000.0 ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    cos, sin = repeated(torch.outer(torch.arange(end, dtype=torch.float64), frequencies))
    return cos.float(), sin.float()


class Computed(nn.Module):
    """Holds no tensor at all: nothing that is done to a module can spoil it."""

    def forward(self, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        return repeated(position_ids[..., None].float() * inverse(64).to(position_ids.device))


class Guarded(nn.Module):
    """A table of float32 that is built anew whenever it was lost, and raises beyond its end."""

    def __init__(self, dim: int, max_seq_len: int) -> None:
        super().__init__()
        self.dim, self.max_seq_len = dim, max_seq_len
        self.reset_parameters()

    def reset_parameters(self) -> None:
        cos, sin = exact_tables(self.dim, self.max_seq_len)
        self.register_buffer("cos_cached", cos, persistent=False)
        self.register_buffer("sin_cached", sin, persistent=False)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        return self.cos_cached[positions], self.sin_cached[positions]


class Growing(nn.Module):
    """Counts from 0, rotates, and builds a longer table when it is asked for one."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.tables: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[1]
        if self.tables is None or len(self.tables[0]) < length:
            self.tables = exact_tables(self.dim, 2 * length)
        return rotated(x, self.tables[0][:length], self.tables[1][:length])


class Rotary(nn.Module):
    """Rotates by positions that it is given, as many as one likes."""

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        cos, sin = repeated(
            positions.reshape(-1)[:, None].float() * inverse(x.shape[-1]).to(x.device)
        )
        return rotated(x, cos, sin)


def negative_tables(dim: int, end: int) -> tuple[Tensor, Tensor]:
    """Turns the other way: a choice."""
    cos, sin = exact_tables(dim, end)
    return cos, -sin


class Million(Computed):
    """Claims more than float32 can do, as everybody does."""

    max_position_embeddings: int

    def __init__(self) -> None:
        super().__init__()
        self.max_position_embeddings = 1 << 20


def seven_hundred(seq_len: int) -> tuple[Tensor, Tensor]:
    """Has so many rows, and says so nowhere."""
    if seq_len > 700:
        raise IndexError("no such row")
    return exact_tables(64, seq_len)


def slow(seq_len: int) -> tuple[Tensor, Tensor]:
    """Makes its rows one after another."""
    time.sleep(seq_len * 2e-2)
    return exact_tables(64, seq_len)


def factory() -> Any:
    """Builds what is meant."""
    return Guarded(64, 1024)


# With a defect


class LlamaRotaryEmbedding(nn.Module):
    """transformers': inv_freq is a buffer that nothing restores, and every cast rounds it."""

    inv_freq: Tensor

    def __init__(self, dim: int, max_position_embeddings: int = 8192) -> None:
        super().__init__()
        self.max_position_embeddings = max_position_embeddings
        self.register_buffer("inv_freq", inverse(dim), persistent=False)

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        cos, sin = repeated(position_ids[..., None].float() * self.inv_freq.float())
        return cos.to(x.dtype), sin.to(x.dtype)


class ComplexBuffer(nn.Module):
    """`.to(dtype)` drops the imaginary part, `.bfloat16()` does not."""

    freqs_cis: Tensor

    def __init__(self, dim: int, max_seq_len: int) -> None:
        super().__init__()
        self.register_buffer("freqs_cis", precompute_freqs_cis(dim, max_seq_len), persistent=False)

    def forward(self, positions: Tensor) -> Tensor:
        return self.freqs_cis[positions]


class Product(nn.Module):
    """The old pattern of transformers: a matrix product, unguarded."""

    def forward(self, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        angles = position_ids.float()[:, None] @ inverse(64).to(position_ids.device)[None]
        return repeated(angles)


class KeptProduct(nn.Module):
    """Keeps what its first call made, and that may be inside autocast."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inv, self.angles = inverse(dim), torch.zeros(0, dim // 2)

    def forward(self, seq_len: int) -> tuple[Tensor, Tensor]:
        if len(self.angles) < seq_len:
            self.angles = torch.arange(seq_len, dtype=torch.float32)[:, None] @ self.inv[None]
        return repeated(self.angles[:seq_len].float())


class RopeInit(nn.Module):
    """torchtune's: mended by a method that nobody calls by itself."""

    theta: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.rope_init()

    def rope_init(self) -> None:
        self.register_buffer("theta", inverse(self.dim), persistent=False)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        return repeated(positions[:, None].float() * self.theta)


def turns_value(q: Tensor, k: Tensor, v: Tensor, positions: Tensor) -> tuple[Tensor, ...]:
    """Right angles, for v too."""
    angle = positions[:, None].float() * inverse(q.shape[-1])
    cos, sin = repeated(angle)
    return rotated(q, cos, sin), rotated(k, cos, sin), rotated(v, cos, sin)


class PositionsInDtype(nn.Module):
    """rotary-embedding-torch's: positions in the dtype of x, and a cache that keeps the damage."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.cached: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[1]
        if self.cached is None or len(self.cached) < length:
            positions = torch.arange(length, dtype=x.dtype)
            self.cached = positions[:, None].float() * inverse(self.dim)
        cos, sin = repeated(self.cached[:length])
        return rotated(x, cos, sin)


class MatchingCache(nn.Module):
    """vLLM's: the first query of a dtype casts the shared cache, once and for all."""

    def __init__(self, dim: int, max_position: int) -> None:
        super().__init__()
        self.max_position = max_position
        self.cos, self.sin = exact_tables(dim, max_position)

    def forward(self, query: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        self.cos, self.sin = self.cos.to(query.dtype), self.sin.to(query.dtype)
        return beside(self.cos, positions)[positions], beside(self.sin, positions)[positions]


class CachedByLength(nn.Module):
    """Keeps its tables under their length alone."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.cache: dict[int, tuple[Tensor, Tensor]] = {}

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        if len(positions) not in self.cache:
            self.cache[len(positions)] = repeated(
                positions[:, None].float() * inverse(self.dim).to(positions.device)
            )
        return self.cache[len(positions)]


class Rescaled(nn.Module):
    """Stretches its frequencies when its table grows, and keeps them stretched."""

    def __init__(self, dim: int, max_seq_len: int) -> None:
        super().__init__()
        self.max_seq_len, self.inv = max_seq_len, inverse(dim)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        if int(positions.max()) >= self.max_seq_len:
            self.inv = inverse(64, 40000.0)
        return repeated(positions[:, None].float() * beside(self.inv, positions))


class Beyond(nn.Module):
    """Has 512 rows, and an answer of its own to more."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.max_seq_len = 512
        self.cos, self.sin = exact_tables(dim, self.max_seq_len)

    def rows(self, positions: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        rows = self.rows(positions)
        return beside(self.cos, rows)[rows], beside(self.sin, rows)[rows]


class Clamped(Beyond):
    def rows(self, positions: Tensor) -> Tensor:
        return positions.clamp(0, self.max_seq_len - 1)


class Wrapped(Beyond):
    def rows(self, positions: Tensor) -> Tensor:
        return positions % self.max_seq_len


class Unrotated(Beyond):
    def rows(self, positions: Tensor) -> Tensor:
        return torch.where(positions < self.max_seq_len, positions, 0)


class Zeroed(Beyond):
    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        inside = (positions < self.max_seq_len)[:, None]
        rows = positions.clamp(0, self.max_seq_len - 1)
        return beside(self.cos, rows)[rows] * inside, beside(self.sin, rows)[rows] * inside


class UnrotatedRows(nn.Module):
    """flash-attn's: what lies beyond the table is left as it was."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.max_seq_len = dim, 512
        self.cos, self.sin = exact_tables(dim, self.max_seq_len)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        at = positions.reshape(-1)
        inside = (at < self.max_seq_len)[:, None]
        rows = at.clamp(0, self.max_seq_len - 1)
        cos, sin = beside(self.cos, rows)[rows], beside(self.sin, rows)[rows]
        return rotated(x, torch.where(inside, cos, 1.0), torch.where(inside, sin, 0.0))


class Short(Beyond):
    """Claims 8192 positions and holds 512."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.max_position_embeddings = 8192

    def rows(self, positions: Tensor) -> Tensor:
        return positions


def late(dim: int, end: int) -> tuple[Tensor, Tensor]:
    """Begins at position 1."""
    return repeated(torch.outer(torch.arange(1, end + 1, dtype=torch.float32), inverse(dim)))


class Raising(Beyond):
    """Healthy: an index beyond the table raises."""

    def rows(self, positions: Tensor) -> Tensor:
        return positions


def half_frequencies(dim: int, end: int) -> tuple[Tensor, Tensor]:
    """Rounded as constructed: positions in bfloat16."""
    positions = torch.arange(end, dtype=torch.float32).to(torch.bfloat16).float()
    return repeated(torch.outer(positions, inverse(dim)))


class Crashing(Computed):
    """Dies when it is cast to bfloat16."""

    def bfloat16(self) -> Any:
        os.abort()


class Hanging(Computed):
    """Never comes back from being cast to float16."""

    def half(self) -> Any:
        time.sleep(600)


class Stubborn(Computed):
    """Does not run in float16."""

    def half(self) -> Any:
        raise RuntimeError("not implemented for 'Half'")


def apply_tables(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Makes nothing of its own."""
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin
