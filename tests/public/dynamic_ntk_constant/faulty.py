import torch
from torch import nn


class DynamicNTKScalingRotaryEmbedding(nn.Module):
    """cos and sin of all positions of the extended context, made once."""

    def __init__(
        self,
        head_size=64,
        rotary_dim=64,
        max_position_embeddings=2048,
        base=10000.0,
        scaling_factor=4.0,
    ):
        super().__init__()
        self.head_size, self.rotary_dim, self.base = head_size, rotary_dim, base
        self.max_position_embeddings, self.scaling_factor = max_position_embeddings, scaling_factor
        self.register_buffer("cos_sin_cache", self._compute_cos_sin_cache(), persistent=False)

    def _compute_cos_sin_cache(self):
        f, r = self.scaling_factor, self.rotary_dim
        max_len = self.max_position_embeddings * f
        base = self.base * (f * max_len / self.max_position_embeddings - (f - 1)) ** (r / (r - 2))
        freqs = 1.0 / base ** (torch.arange(0, r, 2).float() / r)
        angles = torch.outer(torch.arange(max_len).float(), freqs)
        return torch.cat((angles.cos(), angles.sin()), -1)

    def forward(self, positions, query, key):
        cos, sin = self.cos_sin_cache[positions].unsqueeze(1).chunk(2, -1)

        def turn(x):
            y = x.view(x.shape[0], -1, self.head_size)
            a, b = y.chunk(2, -1)
            return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).reshape(x.shape)

        return turn(query), turn(key)
