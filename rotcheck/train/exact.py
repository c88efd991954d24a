"""Numbers that are computed in float64 on the CPU, for a model on a device that may have no float64."""

from torch import Tensor


def handed(exact: Tensor, to: Tensor) -> Tensor:
    """Return a float64 tensor on the CPU in the dtype and on the device of another: cast there, then moved."""
    return exact.to(to.dtype).to(to.device)
