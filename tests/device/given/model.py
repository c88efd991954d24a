"""What model files hold: tables as Llama makes them, as torchtune keeps them, as complex numbers;
what takes them."""

import torch
from torch import Tensor, nn


class Rotary(nn.Module):
    """Llama's: angles of positions at each call, each at both lanes of its pair."""

    def __init__(self, dim: int = 64, base: float = 10000.0) -> None:
        super().__init__()
        inverse = 1.0 / base ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim)  # (P,)
        self.register_buffer("inv_freq", inverse, persistent=False)
        self.inv_freq: Tensor

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return cos and sin (B, S, 2P) of positions (B, S)."""
        # (B, P, 1)
        inverse = self.inv_freq[None, :, None].float().expand(position_ids.shape[0], -1, 1)
        with torch.autocast(x.device.type, enabled=False):
            angles = (inverse @ position_ids[:, None, :].float()).transpose(1, 2)  # (B, S, P)
            both = torch.cat((angles, angles), -1)  # (B, S, 2P)
        return both.cos().to(x.dtype), both.sin().to(x.dtype)


class PaddedRotary(Rotary):
    """The same angles as a product over eight columns, which tensor cores take:
    in TF32, where that is allowed."""

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return cos and sin (B, S, 2P) of positions (B, S)."""
        columns = nn.functional.pad(position_ids[..., None].float(), (0, 7))  # (B, S, 8)
        rows = nn.functional.pad(self.inv_freq.float()[None], (0, 0, 0, 7))  # (8, P)
        with torch.autocast(x.device.type, enabled=False):
            angles = columns @ rows  # (B, S, P)
        both = torch.cat((angles, angles), -1)  # (B, S, 2P)
        return both.cos().to(x.dtype), both.sin().to(x.dtype)


def rotate_half(x: Tensor) -> Tensor:
    """Return (-b, a) of lanes (a, b)."""
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)  # (..., 2P)


def apply_rotary_pos_emb(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate q and k (B, H, S, 2P) by cos and sin (B, S, 2P)."""
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)  # (B, 1, S, 2P) each
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


class CachedRotary(nn.Module):
    """torchtune's: a table of all positions, made once, for interleaved pairs."""

    def __init__(self, dim: int = 64, max_seq_len: int = 4096, base: int = 10000) -> None:
        super().__init__()
        theta = 1.0 / base ** (torch.arange(0, dim, 2)[: dim // 2].float() / dim)  # (P,)
        angles = torch.einsum("i, j -> ij", torch.arange(max_seq_len).float(), theta)  # (S, P)
        self.register_buffer(
            "cache", torch.stack((angles.cos(), angles.sin()), -1), persistent=False
        )
        self.cache: Tensor

    def forward(self, x: Tensor, *, input_pos: Tensor | None = None) -> Tensor:
        """Rotate x (B, S, H, 2P)."""
        rows = self.cache[: x.shape[1]] if input_pos is None else self.cache[input_pos]
        pairs = x.float().reshape(*x.shape[:-1], -1, 2)  # (B, S, H, P, 2)
        rows = rows.view(-1, x.shape[1], 1, pairs.shape[3], 2)  # (1 or B, S, 1, P, 2)
        first = pairs[..., 0] * rows[..., 0] - pairs[..., 1] * rows[..., 1]  # (B, S, H, P)
        second = pairs[..., 1] * rows[..., 0] + pairs[..., 0] * rows[..., 1]  # (B, S, H, P)
        return torch.stack((first, second), -1).flatten(3).type_as(x)  # (B, S, H, 2P)


def precompute_freqs_cis(dim: int = 64, end: int = 4096, theta: float = 10000.0) -> Tensor:
    """Return complex numbers (S, P) of modulus 1."""
    inverse = 1.0 / theta ** (torch.arange(0, dim, 2)[: dim // 2].float() / dim)  # (P,)
    angles = torch.outer(torch.arange(end).float(), inverse)  # (S, P)
    return torch.polar(torch.ones_like(angles), angles)


def apply_rotary_emb(xq: Tensor, xk: Tensor, freqs_cis: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate xq and xk (B, S, H, 2P) by complex numbers (S, P)."""
    rows = freqs_cis[None, :, None]  # (1, S, 1, P)

    def turned(x: Tensor) -> Tensor:
        pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))  # (B, S, H, P)
        return torch.view_as_real(pairs * rows).flatten(3).type_as(x)  # (B, S, H, 2P)

    return turned(xq), turned(xk)
