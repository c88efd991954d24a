"""One backward pass through a model: is its gradient there, and finite?"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.errors import first_line
from rotcheck.model.forward_pass import ForwardPass, tensors_within
from rotcheck.results import ModelRow

NOT_FINITE = "NaN or infinite elements"


def backward_row(forward: ForwardPass, module: Module, model: str, device: str) -> ModelRow:
    """The row of the backward pass of a whole model.

    Args:
        forward: its pass.
        module: the model.
        model: its name.
        device: where it runs.
    """
    fields: dict[str, Any] = {"kind": "backward", "function": model, "calls": 1}
    fields |= {"device": device, "dtype": ""}
    values = (y for y in tensors_within(forward.result) if y.is_floating_point())
    output = next((y for y in values if y.requires_grad), None)
    if output is None:
        words = "nothing that the model returns requires a gradient"
        return ModelRow(**fields, verdict="skipped", message=words)
    if any(not _finite(weight) for weight in module.parameters()):
        words = f"weights of the model have {NOT_FINITE}: they were not initialised"
        return ModelRow(**fields, verdict="skipped", message=words)
    if not _finite(output):
        words = f"what the model returns has {NOT_FINITE}"
        return ModelRow(**fields, verdict="unidentified", message=words)
    try:
        gradients = _gradients(output, module)
    except RuntimeError as error:
        words = f"its backward pass raises: {first_line(error)}"
        return ModelRow(**fields, verdict="raises", finding="gradient", message=words)
    if gradients and all(map(_finite, gradients)):
        return ModelRow(**fields, verdict="agrees", does="its gradient is finite")
    words = f"its gradient has {NOT_FINITE}" if gradients else "no gradient reaches a parameter"
    return ModelRow(**fields, verdict="disagrees", finding="gradient", message=words)


def _gradients(output: Tensor, module: Module) -> list[Tensor]:
    """The gradients of the weights, of a sum over what the model returned."""
    generator = torch.Generator().manual_seed(3)
    weights = torch.randn(output.shape, generator=generator).to(output.device)
    try:
        (output.float() * weights).sum().backward()  # type: ignore[no-untyped-call]
        return [weight.grad for weight in module.parameters() if weight.grad is not None]
    finally:
        module.zero_grad(set_to_none=True)


def _finite(x: Tensor) -> bool:
    return bool(torch.isfinite(x).all())
