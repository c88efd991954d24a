"""What makes its own angles, as people write it, and right:
on any device too, as long as its arguments are there."""

import torch
from torch import Tensor, nn


class Rotary(nn.Module):
    """Llama's, as it is copied from model to model: a table that grows, made where x is."""

    inv_freq: Tensor

    def __init__(self, dim: int, base: float = 10000.0) -> None:
        super().__init__()
        inv_freq = 1.0 / base ** (torch.arange(0, dim, 2).float() / dim)
        self.register_buffer("inv_freq", inv_freq, persistent=False)
        self.seq_len_cached = 0
        self.cos_cached: Tensor | None = None
        self.sin_cached: Tensor | None = None

    def forward(self, x: Tensor, seq_len: int) -> tuple[Tensor | None, Tensor | None]:
        if (
            seq_len != self.seq_len_cached
            or self.cos_cached is None
            or self.cos_cached.device != x.device
        ):
            self.seq_len_cached = seq_len
            t = torch.arange(seq_len, device=x.device).type_as(self.inv_freq)
            freqs = torch.outer(t, self.inv_freq)
            emb = torch.cat((freqs, freqs), dim=-1)
            self.cos_cached, self.sin_cached = emb.cos(), emb.sin()
        return self.cos_cached, self.sin_cached


class Complex(nn.Module):
    """Meta's Llama: a complex table of so many rows, from which positions are picked."""

    freqs_cis: Tensor

    def __init__(self, dim: int, max_seq_len: int, theta: float = 500000.0) -> None:
        super().__init__()
        freqs = 1.0 / theta ** (torch.arange(0, dim, 2)[: dim // 2].float() / dim)
        angles = torch.outer(torch.arange(max_seq_len).float(), freqs)
        self.register_buffer(
            "freqs_cis", torch.polar(torch.ones_like(angles), angles), persistent=False
        )

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        picked = self.freqs_cis[positions].view(1, -1, 1, x.shape[-1] // 2)
        pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
        return torch.view_as_real(pairs * picked).flatten(3).type_as(x)


class Rows(nn.Module):
    """vLLM's: holds 512 rows of cos and sin side by side,
    and views of its rows are what comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.max_seq_len = 512
        inv_freq = 10000.0 ** (-torch.arange(0, 64, 2).float() / 64)
        angles = torch.outer(torch.arange(self.max_seq_len).float(), inv_freq)
        self.register_buffer(
            "cos_sin", torch.cat((angles.cos(), angles.sin()), -1), persistent=False
        )

    def forward(self, position_ids: Tensor) -> tuple[Tensor, ...]:
        return self.cos_sin[position_ids].chunk(2, -1)


class NotOnTheCpu(Rows):
    """As a kernel for accelerators: it does not run on the CPU,
    and 512 rows are all that it has."""

    def forward(self, position_ids: Tensor) -> tuple[Tensor, ...]:
        if position_ids.is_cpu:
            raise RuntimeError("there is no such kernel for the CPU")
        return super().forward(position_ids)


class ShorterThanItClaims(NotOnTheCpu):
    def __init__(self) -> None:
        super().__init__()
        self.max_seq_len = 8192
