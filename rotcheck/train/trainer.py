"""Inside a worker: one training run, and the gradients that its own are held against."""

import math
from contextlib import nullcontext
from typing import Any

import torch
from torch import nn

from rotcheck.measure.device import fetch
from rotcheck.measure.subject import Subject
from rotcheck.train import rotation
from rotcheck.train.batches import Batch
from rotcheck.train.gradient import Agreement, Gradient, agreement, gradient_of, norm
from rotcheck.train.miniature import Rotary
from rotcheck.train.model_builder import ModelBuilder

RATE = 0.1
CLIP = 1.0
"""Plain gradient descent, the gradient's norm cut to 1 as SEDD cuts it.

Adam's first steps are of the same size for every parameter, whatever its gradient: where the
gradient is next to nothing they follow the sign of its rounding error, and right runs part as wrong
ones do. A step in proportion to the gradient carries rounding on as rounding.
"""

CPU = torch.device("cpu")


class Trainer:
    """Trains one module; `subject` is the implementation behind its rotation, if one is under test.

    `finite`: whether the last step's loss and gradient were; no step can follow one where they were
    not.
    """

    def __init__(
        self,
        builder: ModelBuilder,
        rotary: Rotary,
        place: torch.device,
        dtype: torch.dtype,
        subject: Subject | None = None,
    ) -> None:
        self._builder, self._subject, self._dtype = builder, subject, dtype
        self._module = builder.module(rotary, place, dtype)
        self._truth = builder.module(rotation.truth, CPU, torch.float64)
        self._yardstick = self._second(place)
        self.finite = True

    def _second(self, place: torch.device) -> nn.Module:
        if self._builder.has_rotation:
            return self._builder.module(rotation.truth, CPU, torch.float64)
        return self._builder.module(rotation.yardstick, place, self._dtype)

    def step(self, batch: Batch, *, compare: bool) -> dict[str, Any]:
        """Take one step; its loss and, with `compare`, its agreement with float64."""
        loss = self._backward(self._module, batch, self._subject)
        gradient = gradient_of(self._module)
        beside = self._beside(gradient, batch) if compare else None
        length = norm(gradient)
        self.finite = math.isfinite(length) and math.isfinite(loss)
        if self.finite:
            self._descend(RATE * CLIP / max(length, CLIP))
        return {"loss": loss, "agreement": beside}

    def _beside(self, gradient: Gradient, batch: Batch) -> Agreement:
        """The gradients of the same batch at the same weights, in float64 and by the yardstick."""
        for module in (self._truth, self._yardstick):
            _copy(self._module, module)
        if self._builder.has_rotation:
            _jitter(self._yardstick, self._dtype)
        for module in (self._truth, self._yardstick):
            self._backward(module, batch)
        return agreement(
            gradient, gradient_of(self._yardstick), gradient_of(self._truth), self._dtype
        )

    def _backward(self, module: nn.Module, batch: Batch, subject: Subject | None = None) -> float:
        module.zero_grad()
        loss = self._builder.loss(module, batch)
        with subject.running() if subject else nullcontext():
            loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _descend(self, size: float) -> None:
        with torch.no_grad():
            for parameter in self._module.parameters():
                if parameter.grad is not None:
                    parameter.sub_(parameter.grad, alpha=size)


def _copy(source: nn.Module, target: nn.Module) -> None:
    with torch.no_grad():
        for source_parameter, target_parameter in zip(
            source.parameters(), target.parameters(), strict=True
        ):
            target_parameter.copy_(fetch(source_parameter))


def _jitter(module: nn.Module, dtype: torch.dtype) -> None:
    """Move each weight by a rounding step up or down, where there is no reference."""
    generator = torch.Generator("cpu").manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            sign = torch.randint(0, 2, parameter.shape, generator=generator, device="cpu") * 2 - 1
            parameter.mul_(1 + torch.finfo(dtype).eps * sign)
