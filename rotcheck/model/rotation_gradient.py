"""The gradient through a rotation: the one that comes back is turned by minus the angles."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from rotcheck.measure.judge import ROUNDING
from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.witness.call_record import map_tensors, tensors_in

TINY = 1e-6  # of the longest pair
SMALLEST = 1e-300  # of float64: nothing is divided by 0


def gradient_fault(turn: JudgedTurn) -> tuple[str, str] | None:
    """The code and the words of what is wrong with the gradient through a rotation; None: nothing.

    It has to be turned back by the angles of the rotation.
    """
    call, tensor = turn.call, turn.tensor
    name = tensor.argument
    loss_of_gradient = ("no-gradient", f"no gradient reaches {tensor.name} through it")
    if tensor.needs_gradient and tensor.node is None:
        return loss_of_gradient
    if name not in call.arguments or tensor.before.is_complex() or tensor.part:
        return None  # it is one of several in a tuple, or a part
    x = tensor.before.detach().clone().requires_grad_(True)
    weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(5))
    weights = weights.to(x.device, x.dtype)
    with torch.enable_grad():
        result = call.call({**map_tensors(call.arguments, _as_usual), name: _no_leaf(x)})
        output = next((y for y in _outputs(result) if _is(y, tensor.after)), None)
        if output is None:
            return None  # it writes into its input, or gives another value each time
        if not output.requires_grad:
            return loss_of_gradient
        (gradient,) = torch.autograd.grad(output, x, weights, allow_unused=True)
    if gradient is None:
        return loss_of_gradient
    return _off_gradient(turn, weights, gradient)


def _no_leaf(x: Tensor) -> Tensor:
    return x * 1  # no leaf: it may be written into


def _as_usual(x: Tensor) -> Tensor:
    return x.clone() if x.is_inference() else x  # autograd takes none of inference mode


def _outputs(result: Any) -> Iterator[Tensor]:
    yield from (tensor for _, tensor in tensors_in(result))


def _is(x: Tensor, like: Tensor) -> bool:
    return x.shape == like.shape and torch.equal(x.detach(), like)


def _off_gradient(turn: JudgedTurn, weights: Tensor, gradient: Tensor) -> tuple[str, str] | None:
    """Turned back: the gradient is the weights turned by minus the angles, and as much longer.

    The length of each pair counts for itself: tables that were rounded do not quite keep it.
    """
    tensor, form = turn.tensor.rest, turn.tensor.turn
    if form.blank is not None:
        weights, gradient = form.blank.rest(weights), form.blank.rest(gradient)
    w, g = form.written_pairs(weights), form.pairs(gradient)  # (..., P) each
    x, y = form.pairs(tensor.before), form.written_pairs(tensor.after)  # (..., P) each
    lengths = x.abs()
    right = w * torch.polar(y.abs() / lengths.clamp_min(SMALLEST), -torch.angle(y * x.conj()))
    step = max(torch.finfo(tensor.before.dtype).eps, form.error)  # no better than the forward is
    shows = lengths > TINY * lengths.max()  # pairs of padding are zero, and have no angle
    off = float(((g - right).abs() / (step * w.abs()).clamp_min(SMALLEST))[shows].max())
    # the angles were read from values that were themselves rounded
    if off > 4 * ROUNDING:
        words = (
            f"the gradient of {tensor.name} is {off:.3g} rounding steps off the one of its rotation"
        )
        return "gradient", words
    return None
