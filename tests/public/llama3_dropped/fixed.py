import math

import torch
from torch import nn

CONFIG = {
    "head_dim": 128,
    "rope_theta": 500000.0,
    "rope_scaling": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
}


def scaled(inv_freq, scaling):
    turns = scaling["original_max_position_embeddings"] * inv_freq / (2 * math.pi)
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    part = ((turns - low) / (high - low)).clamp(0, 1)
    return inv_freq * part + inv_freq / scaling["factor"] * (1 - part)


class RotaryEmbedding(nn.Module):
    def __init__(self, config=CONFIG):
        super().__init__()
        self.config = config
        dim = config["head_dim"]
        inv_freq = 1.0 / config["rope_theta"] ** (torch.arange(0, dim, 2).float() / dim)
        if config["rope_scaling"]["rope_type"] == "llama3":
            inv_freq = scaled(inv_freq, config["rope_scaling"])
        self.register_buffer("inv_freq", inv_freq, persistent=False)

    def forward(self, x, position_ids):
        angles = position_ids[..., None].float() * self.inv_freq
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)
