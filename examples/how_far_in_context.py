"""Up to which position is a module right? Run `python examples/how_far_in_context.py`."""

from pathlib import Path

import torch
from torch import Tensor, nn

import rotcheck


class RotaryEmbedding(nn.Module):
    """Makes cos and sin (S, D) for positions (S,), as many models do.

    Its frequencies are a buffer.
    """

    def __init__(self, head_dim: int = 64, theta: float = 10000.0) -> None:
        super().__init__()
        inv_freq = 1.0 / theta ** (torch.arange(0, head_dim, 2).float() / head_dim)  # (D/2,)
        self.register_buffer("inv_freq", inv_freq)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return cos and sin."""
        angles = torch.outer(positions.float(), self.inv_freq.float())  # (S, D/2)
        angles = torch.cat((angles, angles), -1)  # (S, D)
        return angles.cos(), angles.sin()


if __name__ == "__main__":
    found = rotcheck.context(f"{Path(__file__)}:RotaryEmbedding", conditions=["bfloat16"])
    for row in found.rows:
        print(f"{row.condition}: {row.verdict}, {row.message or 'right as far as it was tested'}")
