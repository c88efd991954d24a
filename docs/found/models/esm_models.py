"""ESM C, made small around the rotary part."""

import torch
from esm.models.esmc import ESMC
from torch import Tensor, nn


def esmc() -> tuple[nn.Module, dict[str, Tensor]]:
    """ESM C with 64 lanes a head."""
    model = ESMC(256, 4, 2, None, use_flash_attn=False)
    tokens = torch.arange(2 * 19).view(2, 19) % 20 + 4
    return model, {"sequence_tokens": tokens, "sequence_id": torch.ones(2, 19, dtype=torch.bool)}
