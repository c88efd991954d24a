"""Moshi's streaming transformer."""

import torch
from moshi.modules.transformer import StreamingTransformer
from torch import Tensor, nn


def temporal() -> tuple[nn.Module, dict[str, Tensor]]:
    """As its temporal transformer turns."""
    model = StreamingTransformer(
        256, 4, 2, 64, causal=True, positional_embedding="rope", max_period=10000
    )
    return model, {"x": torch.randn(2, 19, 256)}
