import math

import torch
from torch import nn


class Phi3LongRoPERotaryEmbedding(nn.Module):
    def __init__(
        self,
        dim=96,
        base=10000.0,
        max_position_embeddings=131072,
        original_max_position_embeddings=4096,
        short_factor=None,
        long_factor=None,
    ):
        super().__init__()
        half = dim // 2
        self.dim, self.base = dim, base
        self.max_position_embeddings = max_position_embeddings
        self.original_max_position_embeddings = original_max_position_embeddings
        self.short_factor = short_factor or [1.0 + 0.02 * i for i in range(half)]
        self.long_factor = long_factor or [1.0 + 1.3 * i for i in range(half)]
        self.attention_factor = math.sqrt(
            1
            + math.log(max_position_embeddings / original_max_position_embeddings)
            / math.log(original_max_position_embeddings)
        )

    @torch.no_grad()
    def forward(self, x, position_ids):
        # the factors are chosen by how long a context was there is
        use_long = int(position_ids.max()) + 1 > self.original_max_position_embeddings
        factors = torch.tensor(self.long_factor if use_long else self.short_factor, device=x.device)
        freqs = 1.0 / (
            factors
            * self.base ** (torch.arange(0, self.dim, 2, device=x.device).float() / self.dim)
        )
        angles = position_ids[..., None].float() * freqs
        angles = torch.cat((angles, angles), -1)
        return angles.cos() * self.attention_factor, angles.sin() * self.attention_factor
