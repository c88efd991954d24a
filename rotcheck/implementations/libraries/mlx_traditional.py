"""MLX's `mx.fast.rope` with `traditional=True`: interleaved pairs."""

from dataclasses import replace

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries import mlx

convention = replace(mlx.convention, pairing="interleaved")
no_gradient, no_trace, skip = mlx.no_gradient, mlx.no_trace, mlx.skip


def load(device: str) -> Function:
    """Return a function of tensors."""
    return mlx.through_numpy(device, traditional=True)
