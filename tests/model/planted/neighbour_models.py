"""Neighbours, as in GPT-J: each tensor for itself, (B, S, H, D), a part of its lanes."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from planted.shell import (
    WIDTH,
    D,
    H,
    PlantedModel,
    attend,
    decoder,
    inverse_frequencies,
    tokens_with_positions,
)

PART = 8  # lanes that turn


def fixed_positions(count: int, dim: int, factor: float = 1) -> Tensor:
    """sin and cos side by side, (count, dim)."""
    angles = torch.arange(count)[:, None] / factor * inverse_frequencies(dim)
    return torch.cat((angles.sin(), angles.cos()), -1)


def rotate_every_two(x: Tensor) -> Tensor:
    return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)


def apply_rotary_pos_emb(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    sin, cos = (table[:, :, None].repeat_interleave(2, 3) for table in (sin, cos))
    return x * cos + rotate_every_two(x) * sin


def apply_with_tables_for_halves(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    sin, cos = (table[:, :, None].repeat(1, 1, 1, 2) for table in (sin, cos))
    return x * cos + rotate_every_two(x) * sin


def apply_one_sign(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    sin, cos = (table[:, :, None].repeat_interleave(2, 3) for table in (sin, cos))
    return x * cos + torch.stack((x[..., 1::2], x[..., ::2]), -1).flatten(-2) * sin


def write_rotary(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    """Writes into x."""
    a, b = x[..., ::2].clone(), x[..., 1::2].clone()
    sin, cos = sin[:, :, None], cos[:, :, None]
    x[..., ::2] = a * cos - b * sin
    x[..., 1::2] = b * cos + a * sin
    return x


def write_new_values(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    """Writes into x, and reads what it has written."""
    sin, cos = sin[:, :, None], cos[:, :, None]
    x[..., ::2] = x[..., ::2].clone() * cos - x[..., 1::2].clone() * sin
    x[..., 1::2] = x[..., 1::2].clone() * cos + x[..., ::2].clone() * sin
    return x


class TurnWithBackward(torch.autograd.Function):
    """A rotation that knows its gradient."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, x: Tensor, sin: Tensor, cos: Tensor
    ) -> Tensor:
        ctx.save_for_backward(sin, cos)
        return apply_rotary_pos_emb(x, sin, cos)

    @staticmethod
    def backward(ctx: torch.autograd.Function, g: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        sin, cos = ctx.saved_tensors
        return apply_rotary_pos_emb(g, -sin, cos), None, None


class TurnOn(TurnWithBackward):
    """Its gradient is turned forwards once more."""

    @staticmethod
    def backward(ctx: torch.autograd.Function, g: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        sin, cos = ctx.saved_tensors
        return apply_rotary_pos_emb(g, sin, cos), None, None


class PassGradient(TurnWithBackward):
    """Its gradient is not turned."""

    @staticmethod
    def backward(ctx: torch.autograd.Function, g: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        return g, None, None


def turn_with_backward(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    return TurnWithBackward.apply(x, sin, cos)


def turn_on(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    return TurnOn.apply(x, sin, cos)


def pass_gradient(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    return PassGradient.apply(x, sin, cos)


@torch.jit.script
def turn_in_script(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    sin = sin[:, :, None].repeat_interleave(2, 3)
    cos = cos[:, :, None].repeat_interleave(2, 3)
    y = torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
    return x * cos + y * sin


def turn_by_script(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    return turn_in_script(x, sin, cos)


class NeighbourAttention(nn.Module):
    """One layer of GPT-J's kind.

    Args:
        turn: turns one tensor.
        turn_k: turns k; None: as q.
        part: how many lanes turn, the first of each head.
        first_row: takes the positions of the first row for all.
    """

    def __init__(
        self, turn: Callable[..., Tensor] = apply_rotary_pos_emb, turn_k: Callable[..., Tensor] | None = None,
        part: int = PART, first_row: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(WIDTH, H * D) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("positions", fixed_positions(64, part), persistent=False)
        self.turn, self.turn_k, self.part = turn, turn_k or turn, part
        self.first_row = first_row

    def tables(self, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        rows = position_ids[:1] if self.first_row else position_ids
        sin, cos = self.positions[rows].chunk(2, -1)  # (B, S, part / 2) each
        return sin, cos

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = (w(x).unflatten(-1, (H, D)) for w in (self.q, self.k, self.v))
        sin, cos = self.tables(position_ids)
        part = self.part
        q = torch.cat((self.turn(q[..., :part], sin, cos), q[..., part:]), -1)
        k = torch.cat((self.turn_k(k[..., :part], sin, cos), k[..., part:]), -1)
        return self.out(attend(*(y.transpose(1, 2) for y in (q, k, v))))


class OtherPartAttention(NeighbourAttention):
    """k turns its last lanes, q its first ones."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = (w(x).unflatten(-1, (H, D)) for w in (self.q, self.k, self.v))
        sin, cos = self.tables(position_ids)
        part = self.part
        q = torch.cat((self.turn(q[..., :part], sin, cos), q[..., part:]), -1)
        k = torch.cat((k[..., :-part], self.turn(k[..., -part:], sin, cos)), -1)
        return self.out(attend(*(y.transpose(1, 2) for y in (q, k, v))))


class LostPartAttention(NeighbourAttention):
    """k is put together from its parts as they were."""

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = (w(x).unflatten(-1, (H, D)) for w in (self.q, self.k, self.v))
        sin, cos = self.tables(position_ids)
        part = self.part
        k_part, k_rest = k[..., :part], k[..., part:]
        q = torch.cat((self.turn(q[..., :part], sin, cos), q[..., part:]), -1)
        self.turn(k_part, sin, cos)
        k = torch.cat((k_part, k_rest), -1)
        return self.out(attend(*(y.transpose(1, 2) for y in (q, k, v))))


def _halves(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    sin, cos = sin[:, :, None], cos[:, :, None]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def _leave(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    return x


def _slower(x: Tensor, sin: Tensor, cos: Tensor) -> Tensor:
    sin, cos = fixed_positions(x.shape[1], 2 * sin.shape[-1], 4).chunk(2, -1)
    return apply_rotary_pos_emb(x, sin[None], cos[None])


def _of(*arguments: object, **options: object) -> Callable[[], nn.Module]:
    return decoder(lambda: NeighbourAttention(*arguments, **options))  # type: ignore[arg-type]


MODELS = [
    PlantedModel("neighbours", _of()),
    PlantedModel("neighbours-whole", _of(part=D)),
    PlantedModel("neighbours-own-positions", _of(), inputs=tokens_with_positions),
    PlantedModel("neighbours-written", _of(write_rotary)),
    PlantedModel("neighbours-backward", _of(turn_with_backward)),
    PlantedModel("neighbours-script", _of(turn_by_script)),
    PlantedModel("neighbours-k-halves", _of(apply_rotary_pos_emb, _halves), "q-and-k-differ", "paired"),
    PlantedModel("neighbours-k-left", _of(apply_rotary_pos_emb, _leave), "not-rotated"),
    PlantedModel("neighbours-q-left", _of(_leave, apply_rotary_pos_emb), "not-rotated"),
    PlantedModel("neighbours-k-lanes", decoder(OtherPartAttention), "q-and-k-differ", "lanes"),
    PlantedModel("neighbours-k-lost", decoder(LostPartAttention), "copy-dropped", "k as it was before"),
    PlantedModel("neighbours-k-slower", _of(apply_rotary_pos_emb, _slower), "q-and-k-differ", "frequencies"),
    PlantedModel("neighbours-tables", _of(apply_with_tables_for_halves), "pairing-of-tables"),
    PlantedModel("neighbours-one-sign", _of(apply_one_sign), "one-sign"),
    PlantedModel("neighbours-new-values", _of(write_new_values), "aliasing"),
    PlantedModel("neighbours-first-row", _of(first_row=True), "first-of-batch", inputs=tokens_with_positions),
    PlantedModel("neighbours-gradient-forwards", _of(turn_on), "gradient"),
    PlantedModel("neighbours-gradient-passed", _of(pass_gradient), "gradient"),
]  # fmt: skip
