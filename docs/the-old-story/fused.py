"""Another scripted function of the model, which nobody had called yet when the rotary function died."""

import torch


@torch.jit.script
def bias_dropout_add_scale(
    x: torch.Tensor, scale: torch.Tensor, residual: torch.Tensor
) -> torch.Tensor:
    """Scale a branch and add it to the residual, all (B, S, D)."""
    return residual + scale * x
