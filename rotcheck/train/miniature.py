"""The miniature: SEDD's diffusion transformer, two blocks of it, its rotation behind one seam.

After Lou, Meng and Ermon, arXiv 2310.16834, and their code, model/transformer.py: DiT blocks
conditioned on the noise level by adaLN, packed qkv, no bias in the attention, GELU by tanh, logits
moved by the noise level, the score of staying fixed at 1. Left out: dropout, whose random masks
would differ between float32 and float64.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rotcheck.train.sequences import VOCABULARY

BLOCKS, HEADS, HEAD_DIM, CONDITION, FREQUENCIES = 2, 4, 16, 32, 64
WIDTH = HEADS * HEAD_DIM

Rotary = Callable[[Tensor], Tensor]
"""The seam: takes qkv (B, S, 3, H, D), returns it with q and k rotated."""


class Miniature(nn.Module):
    """log s(x, sigma)_y, the score of every token y at every position."""

    def __init__(self, rotary: Rotary) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(VOCABULARY, WIDTH))
        self.sigma_map = nn.Sequential(
            nn.Linear(FREQUENCIES, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION)
        )
        self.blocks = nn.ModuleList(TransformerBlock(rotary) for _ in range(BLOCKS))
        self.output_layer = Output()

    def forward(self, indices: Tensor, sigma: Tensor) -> Tensor:
        """The log scores (B, S, V), float32 at least, of `indices` (B, S) at noise `sigma` (B,).

        `sigma` is float64 on the CPU: what depends on it alone is computed there, once and right.
        """
        x = self.embedding[indices]  # (B, S, C)
        c = F.silu(self.sigma_map(sinusoids(sigma).to(x)))  # (B, CONDITION)
        for block in self.blocks:
            x = block(x, c)  # (B, S, C)
        logits = self.output_layer(x, c)  # (B, S, V)
        wide = logits.double() if logits.dtype == torch.float64 else logits.float()
        level = torch.expm1(sigma).log() + math.log(VOCABULARY - 1)  # (B,)
        scores = wide - level.to(wide)[:, None, None]  # (B, S, V)
        scores_with_zeros: Tensor = scores.scatter(-1, indices[..., None], 0.0)  # (B, S, V)
        return scores_with_zeros


class TransformerBlock(nn.Module):
    """DDiTBlock: attention and an MLP, each shifted, scaled and gated by the noise level."""

    def __init__(self, rotary: Rotary) -> None:
        super().__init__()
        self.rotary = rotary
        self.norm1, self.norm2 = Norm(), Norm()
        self.attn_qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.attn_out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(approximate="tanh"), nn.Linear(4 * WIDTH, WIDTH)
        )
        self.adaLN_modulation = nn.Linear(CONDITION, 6 * WIDTH)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """x (B, S, C) after the block; c: (B, CONDITION)."""
        shift, scale, gate, shift2, scale2, gate2 = self.adaLN_modulation(c)[:, None].chunk(
            6, -1
        )  # (B, 1, C)
        qkv = self.attn_qkv(modulate(self.norm1(x), shift, scale))  # (B, S, 3 C)
        rotation = self.rotary(qkv.view(*x.shape[:2], 3, HEADS, HEAD_DIM))  # (B, S, 3, H, D)
        x = x + gate * self.attn_out(attention(rotation).flatten(-2))  # (B, S, C)
        x = x + gate2 * self.mlp(modulate(self.norm2(x), shift2, scale2))  # (B, S, C)
        return x


class Output(nn.Module):
    """DDitFinalLayer: to the logits of each token."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_final = Norm()
        self.linear = nn.Linear(WIDTH, VOCABULARY)
        self.adaLN_modulation = nn.Linear(CONDITION, 2 * WIDTH)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Logits (B, S, V) of x (B, S, C); c: (B, CONDITION)."""
        shift, scale = self.adaLN_modulation(c)[:, None].chunk(2, -1)  # (B, 1, C)
        logits: Tensor = self.linear(modulate(self.norm_final(x), shift, scale))  # (B, S, V)
        return logits


class Norm(nn.Module):
    """Layer norm with a weight and no bias."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """x (B, S, C), normalised."""
        return F.layer_norm(x, [WIDTH], self.weight)  # (B, S, C)


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """x (B, S, C) scaled and shifted by (B, 1, C)."""
    return x * (1 + scale) + shift  # (B, S, C)


def attention(qkv: Tensor) -> Tensor:
    """Full attention of packed qkv (B, S, 3, H, D) as (B, S, H, D).

    Written out, since fused kernels differ from device to device and some are not deterministic.
    """
    q, k, v = qkv.transpose(1, 3).unbind(2)  # (B, H, S, D) each
    weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)  # (B, H, S, S)
    return (weights @ v).transpose(1, 2)  # (B, S, H, D)


def sinusoids(sigma: Tensor) -> Tensor:
    """Cosines and sines (B, FREQUENCIES) of sigma (B,), as DiT and SEDD embed a time."""
    steps = torch.arange(FREQUENCIES // 2, dtype=sigma.dtype, device=sigma.device)
    rates = torch.exp(-math.log(10000.0) * steps / len(steps))  # (FREQUENCIES / 2,)
    angles = sigma[:, None] * rates  # (B, FREQUENCIES / 2)
    return torch.cat((angles.cos(), angles.sin()), -1)  # (B, FREQUENCIES)


def initialise(module: nn.Module, seed: int) -> None:
    """Give every matrix, gates included, random values of deviation 1 / sqrt(columns).

    SEDD begins with gates and output layer at 0. Then nothing that the rotation does reaches the
    loss, and no gradient reaches qkv, before the third step: five steps would prove next to
    nothing. Here the gates are open, as they are once a model has learned anything.
    """
    generator = torch.Generator("cpu").manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.dim() == 1:
                parameter.fill_(name.rpartition("norm")[1] != "")
            else:
                exact = torch.randn(
                    parameter.shape, generator=generator, dtype=torch.float64, device="cpu"
                )
                parameter.copy_(exact / math.sqrt(parameter.shape[1]))
