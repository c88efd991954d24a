"""A model's own rotary replaced by rotcheck's: run `python examples/replace_a_rotary.py`."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from rotcheck.rotary import apply_rotary


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x (B, S, H, D) by cos and sin (S, D/2), as many models spell it."""
    cos, sin = cos[:, None], sin[:, None]  # (S, 1, D/2)
    first, second = x.chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)  # (B, S, H, D)


class Attention(nn.Module):
    """One layer of attention whose rotary can be chosen."""

    def __init__(self, rotary=rotate, head_dim: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.rotary, self.head_dim = rotary, head_dim
        self.qkv = nn.Linear(heads * head_dim, 3 * heads * head_dim)
        frequencies = 10000.0 ** (-torch.arange(0, head_dim, 2) / head_dim)  # (D/2,)
        angles = torch.outer(torch.arange(512.0), frequencies)  # (S, D/2)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, S, H*D); the result has its shape."""
        length = x.shape[1]
        q, k, v = self.qkv(x).unflatten(-1, (3, -1, self.head_dim)).unbind(2)  # (B, S, H, D) each
        q, k = (self.rotary(t, self.cos[:length], self.sin[:length]) for t in (q, k))
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))  # (B, H, S, D) each
        return scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


if __name__ == "__main__":
    model = Attention()
    x = torch.randn(2, 100, 256, generator=torch.Generator().manual_seed(0))  # (B, S, H*D)
    with torch.no_grad():
        before = model(x)
    model.rotary = apply_rotary  # half pairing and (B, S, H, D) are its defaults
    with torch.no_grad():
        print(f"largest difference: {(model(x) - before).abs().max():.1e}")
