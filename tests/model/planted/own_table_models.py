"""q and k are handed to functions with positions, or with nothing, that make cos and sin of their
own; and much that multiplies with a sine, or mixes lanes, and is no rotary code."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from planted.shell import (
    WIDTH,
    D,
    Decoder,
    H,
    PlantedModel,
    S,
    attend,
    inverse_frequencies,
)

Change = Callable[[Tensor, Tensor, Tensor], Tensor]


def every_two(x: Tensor) -> Tensor:
    return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)


def half(x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def angles_of(positions: Tensor) -> Tensor:
    return positions[..., None] * inverse_frequencies()  # (..., S, D / 2)


def turn_neighbours(x: Tensor, pos: Tensor) -> Tensor:
    freq = angles_of(pos).repeat_interleave(2, -1)
    return x * freq.cos() + every_two(x) * freq.sin()


def turn_neighbours_by_half_tables(x: Tensor, pos: Tensor) -> Tensor:
    freq = angles_of(pos).repeat(1, 1, 1, 2)
    return x * freq.cos() + every_two(x) * freq.sin()


def turn_halves_by_neighbour_tables(x: Tensor, pos: Tensor) -> Tensor:
    freq = angles_of(pos).repeat_interleave(2, -1)
    return x * freq.cos() + half(x) * freq.sin()


def add_both(x: Tensor, pos: Tensor) -> Tensor:
    freq = angles_of(pos).repeat(1, 1, 1, 2)
    return x * freq.cos() + x.roll(D // 2, -1) * freq.sin()


def drop_sin(x: Tensor, pos: Tensor) -> Tensor:
    return x * angles_of(pos).repeat(1, 1, 1, 2).cos()


def drop_all(x: Tensor, pos: Tensor) -> Tensor:
    turn_neighbours(x, pos)
    return x


def lose(x: Tensor, pos: Tensor) -> Tensor:
    turn_neighbours(x, pos)
    return torch.zeros_like(x)


def reuse(x: Tensor, pos: Tensor) -> Tensor:
    """The second half is made of the new first half."""
    freq = angles_of(pos)
    a, b = x.chunk(2, -1)
    a = a * freq.cos() - b * freq.sin()
    return torch.cat((a, b * freq.cos() + a * freq.sin()), -1)


class TableHolder(nn.Module):
    """Positions come from the shape, and tables from buffers."""

    def __init__(self, *, right: bool) -> None:
        super().__init__()
        angles = angles_of(torch.arange(2 * S))
        angles = angles.repeat(1, 2) if right else angles.repeat_interleave(2, -1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor, pos: Tensor) -> Tensor:
        length = x.shape[-2]
        return x * self.cos[:length] + half(x) * self.sin[:length]


class OwnTableAttention(nn.Module):
    """Calls what turns q and k with positions (B, 1, S)."""

    def __init__(self, turn: nn.Module | Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.turn = turn

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        pos = position_ids[:, None].float()
        return self.out(attend(self.turn(q, pos), self.turn(k, pos), v))


class Gate(nn.Module):
    """Scales by a sine of the position, as no rotation does."""

    def forward(self, x: Tensor, pos: Tensor) -> Tensor:
        return x * (1 + 0.1 * torch.sin(pos[..., None] * torch.linspace(0.1, 1, x.shape[-1])))


class Hadamard(nn.Module):
    """Adds and subtracts neighbours, and scales by cos and sin in turn."""

    def forward(self, x: Tensor, pos: Tensor) -> Tensor:
        angle = pos[..., None] * 0.3
        return (x + every_two(x)) * angle.cos() + x.flip(-1) * angle.sin()


class LearnedPositions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(S, WIDTH))

    def forward(self, x: Tensor, pos: Tensor) -> Tensor:
        return x + self.table[: x.shape[1]]


class SinePositions(nn.Module):
    """cos and sin are added, and the words scaled."""

    def forward(self, x: Tensor, pos: Tensor) -> Tensor:
        angles = pos[..., None] * inverse_frequencies(WIDTH)
        return x * WIDTH**0.5 + torch.cat((angles.sin(), angles.cos()), -1)


class DepthwiseConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH)

    def forward(self, x: Tensor, pos: Tensor) -> Tensor:
        return self.conv(x.mT).mT


class Linearity(nn.Module):
    """A linear layer, a norm and a permutation."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.norm = nn.Linear(WIDTH, WIDTH, bias=False), nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor, pos: Tensor) -> Tensor:
        return self.norm(self.project(x)).flip(-1)


class Snake(nn.Module):
    def forward(self, x: Tensor, pos: Tensor) -> Tensor:
        return x + torch.sin(x) * torch.sin(x)


class AlibiAttention(OwnTableAttention):
    """Distances are added to the scores."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        distances = position_ids[:, None, :, None] - position_ids[:, None, None]
        scores = q @ k.mT / D**0.5 - 0.1 * distances.abs()
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).flatten(-2))


class Modules(nn.Module):
    """Much that is no rotary code, before attention that turns q and k."""

    def __init__(self, turn: nn.Module | Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.others = nn.ModuleList((
            Gate(), Hadamard(), LearnedPositions(), SinePositions(), DepthwiseConvolution(),
            Linearity(), Snake(),
        ))  # fmt: skip
        self.alibi, self.attention = AlibiAttention(turn), OwnTableAttention(turn)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        for other in self.others:
            x = other(x, position_ids.float())
        return self.attention(x + self.alibi(x, position_ids), position_ids)


def _of(turn: nn.Module | Callable[[Tensor, Tensor], Tensor]) -> Callable[[], Decoder]:
    return lambda: Decoder([OwnTableAttention(turn), OwnTableAttention(turn)])


MODELS = [
    PlantedModel("positions alone", _of(turn_neighbours)),
    PlantedModel("tables in buffers alone", _of(TableHolder(right=True))),
    PlantedModel("beside much that is no rotary code", lambda: Decoder([Modules(turn_neighbours)])),
    PlantedModel(
        "neighbours by tables for halves",
        _of(turn_neighbours_by_half_tables),
        "pairing-of-tables",
        "x rotates one pairing's lanes",
    ),
    PlantedModel(
        "halves by tables for neighbours",
        _of(turn_halves_by_neighbour_tables),
        "pairing-of-tables",
        "x rotates one pairing's lanes",
    ),
    PlantedModel(
        "wrong tables in buffers", _of(TableHolder(right=False)), "pairing-of-tables", "x rotates"
    ),
    PlantedModel("one sign by positions", _of(add_both), "one-sign", "x adds sin times"),
    PlantedModel("cos alone", _of(drop_sin), "imaginary-dropped", "x multiplies with cos"),
    PlantedModel("what was turned is dropped", _of(drop_all), "copy-dropped", "gets q as it was"),
    PlantedModel("zeros come back", _of(lose), "copy-dropped", "gets zeros for q"),
    PlantedModel("new values by positions", _of(reuse), "aliasing", "x uses the first half's new"),
]  # fmt: skip
