"""Functions that turn, or should, made by torch.compile and torch.jit.script."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from planted.shell import WIDTH, D, H, PlantedModel, attend, decoder, inverse_frequencies


def apply_rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


def apply_one_sign(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((b, a), -1) * sin


def apply_with_new_values(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """The second half is made of the new first half."""
    a, b = x.chunk(2, -1)
    c, s = cos.chunk(2, -1)[0], sin.chunk(2, -1)[0]
    a = a * c - b * s
    return torch.cat((a, b * c + a * s), -1)


def scale(x: Tensor, weight: Tensor) -> Tensor:
    return x * weight


class CompiledAttention(nn.Module):
    """Calls compiled code with q and k; so is its norm."""

    def __init__(self, rotate: Any, norm: Any) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.rotate, self.norm = rotate, norm
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        x = self.norm(x, self.weight)
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        angles = (position_ids[..., None] * inverse_frequencies()).repeat(1, 1, 2)[:, None]
        cos, sin = angles.cos(), angles.sin()
        return self.out(attend(self.rotate(q, cos, sin), self.rotate(k, cos, sin), v))


def _script(rotate: Callable[..., Tensor]) -> Callable[[], nn.Module]:
    return decoder(lambda: CompiledAttention(torch.jit.script(rotate), torch.jit.script(scale)))


def _compile(rotate: Callable[..., Tensor]) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        torch._dynamo.reset()
        rotor, norm = (torch.compile(f, backend="eager") for f in (rotate, scale))
        return CompiledAttention(rotor, norm)

    return decoder(make)


MODELS = [
    PlantedModel("a script", _script(apply_rotary)),
    PlantedModel("a compiled function", _compile(apply_rotary)),
    PlantedModel("a script of one sign", _script(apply_one_sign), "one-sign", "x: adds sin times"),
    PlantedModel(
        "a compiled function of one sign", _compile(apply_one_sign), "one-sign", "x: adds sin times"
    ),
    PlantedModel(
        "a script with new values", _script(apply_with_new_values), "aliasing", "x: uses the first"
    ),
]
