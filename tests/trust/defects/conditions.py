"""Modules that are right as they were built, and wrong after something was done to them;
`rotcheck context` asks."""

import torch
from planting import spoilt
from torch import nn


def frequencies(dim, base=10000.0):
    return 1.0 / base ** (torch.arange(0, dim, 2, dtype=torch.int64).float() / dim)


def both(angles):
    angles = torch.cat((angles, angles), -1)
    return angles.cos(), angles.sin()


def turn(x, angles):
    cos, sin = (t[:, None] for t in (angles.cos(), angles.sin()))
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


class _WithBuffer(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.register_buffer("inv_freq", frequencies(dim), persistent=False)


@spoilt("to-bfloat16", "phase-cast", "N1: ECOSYSTEM 2.2, LlamaRotaryEmbedding.to(bfloat16)")
class CastByTo(_WithBuffer):
    def forward(self, x, position_ids):
        return both(position_ids[..., None].float() * self.inv_freq.float())


@spoilt("half", "phase-cast", "N1: model.half()")
class CastByHalf(_WithBuffer):
    def forward(self, x, position_ids):
        return both(position_ids[..., None].type_as(self.inv_freq) * self.inv_freq)


@spoilt("autocast", "phase-autocast", "N2: inv_freq @ positions under autocast")
class ProductUnderAutocast(_WithBuffer):
    def forward(self, x, position_ids):
        return both(position_ids[..., None].float() @ self.inv_freq[None].float())


@spoilt("matmul-high", "phase-tf32", "N3: the same product with float32 matmul precision 'high'")
class ProductInTf32(_WithBuffer):
    def forward(self, x, position_ids):
        return both(position_ids[..., None].float() @ self.inv_freq[None].float())


@spoilt("meta", "phase-meta", "N5: a buffer that is not in the state_dict, built on meta")
class NotInTheState(_WithBuffer):
    def forward(self, x, position_ids):
        return both(position_ids[..., None].float() * self.inv_freq)


@spoilt("to-float32", "imaginary-dropped", "N6: .to(dtype) of a complex buffer")
class ComplexBuffer(nn.Module):
    def __init__(self, dim=64, max_seq_len=4096):
        super().__init__()
        angles = torch.outer(torch.arange(max_seq_len).float(), frequencies(dim))
        self.register_buffer(
            "freqs_cis", torch.polar(torch.ones_like(angles), angles), persistent=False
        )

    def forward(self, x):
        wide = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
        return torch.view_as_real(wide * self.freqs_cis[: x.shape[1], None]).flatten(3).type_as(x)


@spoilt(
    "dtypes",
    "spoilt-by-dtype",
    "ECOSYSTEM 2.8: vLLM's cache takes the dtype of the first query, for good",
)
class CacheOfTheFirstDtype(nn.Module):
    def __init__(self, dim=64, max_seq_len=4096):
        super().__init__()
        angles = torch.outer(torch.arange(max_seq_len).float(), frequencies(dim))
        self.cos_sin_cache = torch.cat((angles.cos(), angles.sin()), -1)

    def forward(self, x, positions):
        self.cos_sin_cache = self.cos_sin_cache.to(x.dtype)
        cos, sin = self.cos_sin_cache[positions].unsqueeze(-2).chunk(2, -1)
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


@spoilt("grown", "spoilt-by-growing", "N11: a cache that is longer than asked begins at its end")
class TakesTheLastRows(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.dim, self.angles = dim, torch.zeros(0, dim // 2)

    def forward(self, x):
        length = x.shape[1]
        if length > len(self.angles):
            self.angles = torch.outer(torch.arange(length).float(), frequencies(self.dim))
        return turn(x, self.angles[-length:])


@spoilt("beyond", "positions-past-table", "F12: rows past the table come back unrotated")
class UnrotatedBeyond(nn.Module):
    def __init__(self, dim=64, max_seq_len=512):
        super().__init__()
        self.register_buffer(
            "angles", torch.outer(torch.arange(max_seq_len).float(), frequencies(dim))
        )

    def forward(self, x):
        rows = min(x.shape[1], len(self.angles))
        return torch.cat((turn(x[:, :rows], self.angles[:rows]), x[:, rows:]), 1)
