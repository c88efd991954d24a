"""The gradient through a rotation: the one that comes back is turned by minus the angles."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention.pairings import written_order
from rotcheck.measure.judge import ROUNDING
from rotcheck.model.judged_turn import JudgedTurn, real_lanes
from rotcheck.witness.call_record import tensors_in
from rotcheck.witness.turning import pairs_of


def gradient_fault(turn: JudgedTurn) -> str | None:
    """Words, if the gradient through a rotation is not the one of a rotation; None: it is right."""
    call, tensor = turn.call, turn.tensor
    name = tensor.argument
    if name not in call.arguments or tensor.before.is_complex():
        return None  # it is one of several in a tuple
    x = tensor.before.detach().clone().requires_grad_(True)
    weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(5))
    weights = weights.to(x.device, x.dtype)
    with torch.enable_grad():
        result = call.call({name: _chained(x)})
        output = next((y for y in _outputs(result) if _is(y, tensor.after)), None)
        if output is None:
            return None  # it writes into its input, or gives another value each time
        if not output.requires_grad:
            return f"no gradient reaches {name} through it"
        (gradient,) = torch.autograd.grad(output, x, weights, allow_unused=True)
    if gradient is None:
        return f"no gradient reaches {name} through it"
    return _off_gradient(turn, weights, gradient)


def _chained(x: Tensor) -> Tensor:
    return x * 1  # no leaf: it may be written into


def _outputs(result: Any) -> Iterator[Tensor]:
    yield from (tensor for _, tensor in tensors_in(result))


def _is(x: Tensor, like: Tensor) -> bool:
    return x.shape == like.shape and torch.equal(x.detach(), like)


def _off_gradient(turn: JudgedTurn, weights: Tensor, gradient: Tensor) -> str | None:
    """Turned back: the gradient is the weights turned by minus the angles."""
    tensor, form = turn.tensor, turn.tensor.turn
    region = slice(form.start, form.start + form.lanes)
    order = written_order(form.output_lanes, form.pairing)
    w = pairs_of(real_lanes(weights)[..., region], order, form.blocks)
    g = pairs_of(real_lanes(gradient)[..., region], form.pairing, form.blocks)
    angles = torch.angle(
        pairs_of(real_lanes(tensor.after)[..., region], order, form.blocks)
        * pairs_of(real_lanes(tensor.before)[..., region], form.pairing, form.blocks).conj()
    )
    right = w * torch.polar(torch.full_like(angles, form.amplitude), -angles)
    step = torch.finfo(tensor.before.dtype).eps
    off = float(((g - right).abs() / (step * w.abs()).clamp_min(1e-30)).max())
    # the angles were read from values that were themselves rounded
    if off > 4 * ROUNDING:
        return f"the gradient of {tensor.argument} is {off:.3g} rounding steps off the one of its rotation"
    return None
