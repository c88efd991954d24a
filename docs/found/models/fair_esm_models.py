"""ESM-2, made small around the rotary part."""

import torch
from esm.model.esm2 import ESM2
from torch import Tensor, nn


def esm2() -> tuple[nn.Module, dict[str, Tensor]]:
    """ESM-2 with 16 lanes a head."""
    model = ESM2(num_layers=2, embed_dim=64, attention_heads=4)
    return model, {"tokens": torch.arange(2 * 19).view(2, 19) % 20 + 4}
