"""q, k and v in one tensor, (B, S, 3, H, D), as flash-attn takes them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from planted.shell import WIDTH, D, H, PlantedModel, attend, decoder, inverse_frequencies


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)  # (B, S, n, H, D / 2) each
    cos, sin = cos[:, None, None], sin[:, None, None]
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1).to(x.dtype)


def apply_rotary_emb_qkv(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return torch.cat((_turn(qkv[:, :, :2], cos, sin), qkv[:, :, 2:]), 2)


def write_rotary_emb_qkv(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Writes into qkv."""
    qkv[:, :, :2] = _turn(qkv[:, :, :2], cos, sin)
    return qkv


def turn_all_three(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return _turn(qkv, cos, sin)


def turn_q_alone(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return torch.cat((_turn(qkv[:, :, :1], cos, sin), qkv[:, :, 1:]), 2)


def turn_q_and_v(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    q, k, v = qkv.unbind(2)
    q, v = (_turn(x[:, :, None], cos, sin)[:, :, 0] for x in (q, v))
    return torch.stack((q, k, v), 2)


def turn_q_twice(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    q, k, v = qkv.split(1, 2)
    return torch.cat((_turn(_turn(q, cos, sin), cos, sin), _turn(k, cos, sin), v), 2)


class RotaryTables(nn.Module):
    """cos and sin, made for as many rows as were ever asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: tuple[Tensor, Tensor] | None = None

    def forward(self, length: int) -> tuple[Tensor, Tensor]:
        if self.kept is None or len(self.kept[0]) < length:
            angles = torch.outer(torch.arange(length).float(), inverse_frequencies())
            self.kept = angles.cos(), angles.sin()
        return self.kept[0][:length], self.kept[1][:length]


class PackedAttention(nn.Module):
    """One layer with one projection; `calls`: how often it turns."""

    def __init__(self, turn: Callable[..., Tensor] = apply_rotary_emb_qkv, calls: int = 1) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.tables, self.turn, self.calls = RotaryTables(), turn, calls

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, (3, H, D))
        cos, sin = self.tables(x.shape[1])
        for _ in range(self.calls):
            qkv = self.turn(qkv, cos, sin)
        return self.out(attend(*(y.transpose(1, 2) for y in qkv.unbind(2))))


class LostPackedAttention(PackedAttention):
    """Throws what was turned away."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, (3, H, D))
        self.turn(qkv, *self.tables(x.shape[1]))
        return self.out(attend(*(y.transpose(1, 2) for y in qkv.unbind(2))))


def _of(*arguments: object) -> Callable[[], nn.Module]:
    return decoder(lambda: PackedAttention(*arguments))  # type: ignore[arg-type]


MODELS = [
    PlantedModel("packed", _of()),
    PlantedModel("packed-written", _of(write_rotary_emb_qkv)),
    PlantedModel("packed-all-three", _of(turn_all_three), "v-rotated"),
    PlantedModel("packed-q-alone", _of(turn_q_alone), "not-rotated", "k"),
    PlantedModel("packed-q-and-v", _of(turn_q_and_v), "v-rotated"),
    PlantedModel("packed-q-twice", _of(turn_q_twice), "rotated-twice", "qkv[:, :, 0]"),
    PlantedModel("packed-twice", _of(apply_rotary_emb_qkv, 2), "rotated-twice"),
    PlantedModel("packed-written-twice", _of(write_rotary_emb_qkv, 2), "rotated-twice"),
    PlantedModel("packed-lost", decoder(LostPackedAttention), "copy-dropped"),
]
