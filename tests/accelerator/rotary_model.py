"""A model's rotary file as people write it: right, but for the last two functions."""

import torch
from torch import Tensor, nn


class Rotary(nn.Module):
    """cos and sin from positions, as Llama has it."""

    inv_freq: Tensor

    def __init__(self, dim: int = 64, base: float = 10000.0) -> None:
        super().__init__()
        inv_freq = 1.0 / base ** (torch.arange(0, dim, 2).float() / dim)  # (D/2,)
        self.register_buffer("inv_freq", inv_freq, persistent=False)

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        angles = position_ids[..., None].float() * self.inv_freq.float()  # (B, S, D/2)
        angles = torch.cat((angles, angles), -1)  # (B, S, D)
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


class CachedRotary(nn.Module):
    """Rotates by rows of a table of its own, as torchtune has it."""

    cache: Tensor

    def __init__(self, dim: int = 64, max_seq_len: int = 512, base: float = 10000.0) -> None:
        super().__init__()
        theta = 1.0 / base ** (torch.arange(0, dim, 2).float() / dim)  # (D/2,)
        angles = torch.arange(max_seq_len).float()[:, None] * theta  # (S, D/2)
        self.register_buffer(
            "cache", torch.stack((angles.cos(), angles.sin()), -1), persistent=False
        )

    def forward(self, x: Tensor, input_pos: Tensor | None = None) -> Tensor:
        # (..., S, D/2, 2)
        rows = self.cache[: x.shape[1]] if input_pos is None else self.cache[input_pos]
        rows = rows.view(-1, x.shape[1], 1, x.shape[-1] // 2, 2)  # (B, S, 1, D/2, 2)
        pairs = x.float().reshape(*x.shape[:-1], -1, 2)  # (B, S, H, D/2, 2)
        a, b = pairs[..., 0], pairs[..., 1]
        turned = torch.stack(
            (a * rows[..., 0] - b * rows[..., 1], b * rows[..., 0] + a * rows[..., 1]), -1
        )  # (B, S, H, D/2, 2)
        return turned.flatten(3).type_as(x)  # (B, S, H, D)


class ComplexRotary(nn.Module):
    """Rotates by multiplication with complex numbers, as Meta's Llama has it."""

    freqs_cis: Tensor

    def __init__(self, dim: int = 64, end: int = 512, theta: float = 10000.0) -> None:
        super().__init__()
        freqs = 1.0 / theta ** (torch.arange(0, dim, 2).float() / dim)  # (D/2,)
        angles = torch.outer(torch.arange(end).float(), freqs)  # (S, D/2)
        self.register_buffer(
            "freqs_cis", torch.polar(torch.ones_like(angles), angles), persistent=False
        )

    def forward(self, x: Tensor, start_pos: int = 0) -> Tensor:
        rows = self.freqs_cis[start_pos : start_pos + x.shape[1]]  # (S, D/2)
        pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))  # (B, S, H, D/2)
        return torch.view_as_real(pairs * rows[:, None]).flatten(3).type_as(x)  # (B, S, H, D)


def rotate_half(x: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)  # (..., D/2) each
    return torch.cat((-second, first), -1)  # (..., D)


def apply_rotary_pos_emb(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate q and k (B, H, S, D) by tables (B, S, D)."""
    cos, sin = cos[:, None], sin[:, None]  # (B, 1, S, D)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin  # (B, H, S, D)


def apply_rotary_one_sign(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Wrong: both lanes of a pair get plus sin."""
    cos, sin = cos[:, None], sin[:, None]  # (B, 1, S, D)
    q2, k2 = (torch.cat(x.chunk(2, -1)[::-1], -1) for x in (q, k))  # (B, H, S, D)
    return q * cos + q2 * sin, k * cos + k2 * sin  # (B, H, S, D)


def apply_rotary_k_forgotten(
    q: Tensor, k: Tensor, cos: Tensor, sin: Tensor
) -> tuple[Tensor, Tensor]:
    """Wrong: k comes back as it was."""
    cos, sin = cos[:, None], sin[:, None]  # (B, 1, S, D)
    return q * cos + rotate_half(q) * sin, k  # (B, H, S, D)
