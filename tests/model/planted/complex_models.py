"""Complex numbers, as in Meta's Llama: (B, S, H, D), one table for all layers, sliced."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from planted.shell import WIDTH, D, Decoder, H, PlantedModel, S, attend, tokens

Pair = tuple[Tensor, Tensor]
LONG = 64  # rows of the table


def precompute_freqs_cis(dim: int, end: int, theta: float = 10000.0) -> Tensor:
    freqs = 1.0 / (theta ** (torch.arange(0, dim, 2)[: dim // 2].float() / dim))
    freqs = torch.outer(torch.arange(end).float(), freqs)
    return torch.polar(torch.ones_like(freqs), freqs)  # (end, D / 2)


def precompute_in_bfloat16(dim: int, end: int) -> Tensor:
    freqs = (1.0 / (10000.0 ** (torch.arange(0, dim, 2).float() / dim))).bfloat16()
    freqs = torch.outer(torch.arange(end).float(), freqs.float())
    return torch.polar(torch.ones_like(freqs), freqs)


def precompute_from_positions_in_bfloat16(dim: int, end: int) -> Tensor:
    freqs = 1.0 / (10000.0 ** (torch.arange(0, dim, 2).float() / dim))
    freqs = torch.outer(torch.arange(end).bfloat16().float(), freqs)
    return torch.polar(torch.ones_like(freqs), freqs)


def precompute_angles_in_float16(dim: int, end: int) -> Tensor:
    freqs = 1.0 / (10000.0 ** (torch.arange(0, dim, 2).float() / dim))
    freqs = torch.outer(torch.arange(end).float(), freqs).half().float()
    return torch.polar(torch.ones_like(freqs), freqs)


def as_numbers(x: Tensor) -> Tensor:
    return torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))


def as_lanes(x: Tensor, like: Tensor) -> Tensor:
    return torch.view_as_real(x).flatten(-2).type_as(like)


def apply_rotary_emb(xq: Tensor, xk: Tensor, freqs_cis: Tensor) -> Pair:
    freqs_cis = freqs_cis[None, :, None]  # (1, S, 1, D / 2)
    q, k = as_numbers(xq) * freqs_cis, as_numbers(xk) * freqs_cis
    return as_lanes(q, xq), as_lanes(k, xk)


def apply_only_to_q(xq: Tensor, xk: Tensor, freqs_cis: Tensor) -> Pair:
    return as_lanes(as_numbers(xq) * freqs_cis[None, :, None], xq), xk


def apply_conjugate_to_k(xq: Tensor, xk: Tensor, freqs_cis: Tensor) -> Pair:
    table = freqs_cis[None, :, None]
    return as_lanes(as_numbers(xq) * table, xq), as_lanes(as_numbers(xk) * table.conj(), xk)


def apply_late_to_k(xq: Tensor, xk: Tensor, freqs_cis: Tensor) -> Pair:
    table = freqs_cis[None, :, None]
    late = table.roll(-1, 1)
    late[:, -1] = table[:, -1] * table[:, 1]
    return as_lanes(as_numbers(xq) * table, xq), as_lanes(as_numbers(xk) * late, xk)


def apply_real_part(xq: Tensor, xk: Tensor, freqs_cis: Tensor) -> Pair:
    table = freqs_cis[None, :, None].real
    return as_lanes(as_numbers(xq) * table, xq), as_lanes(as_numbers(xk) * table, xk)


def apply_squares(xq: Tensor, xk: Tensor, freqs_cis: Tensor) -> Pair:
    """k turns by twice the angle."""
    q, k = apply_rotary_emb(xq, xk, freqs_cis)
    return q, apply_rotary_emb(xq, k, freqs_cis)[1]


def apply_along_the_batch(xq: Tensor, xk: Tensor, freqs_cis: Tensor) -> Pair:
    """Takes (B, S, H, D) for (S, B, H, D)."""
    freqs_cis = freqs_cis[: xq.shape[0], None, None]
    return as_lanes(as_numbers(xq) * freqs_cis, xq), as_lanes(as_numbers(xk) * freqs_cis, xk)


def apply_to_halves(xq: Tensor, xk: Tensor, freqs_cis: Tensor) -> Pair:
    """Pairs lanes half a head apart in complex numbers."""
    freqs_cis = freqs_cis[None, :, None]

    def turn(x: Tensor) -> Tensor:
        y = torch.complex(*x.float().chunk(2, -1)) * freqs_cis
        return torch.cat((y.real, y.imag), -1)

    return turn(xq), turn(xk)


class ComplexAttention(nn.Module):
    """One layer of Meta's kind."""

    def __init__(self, rotate: Callable[..., Pair] = apply_rotary_emb, kv: int = H) -> None:
        super().__init__()
        self.wq = nn.Linear(WIDTH, H * D, bias=False)
        self.wk = nn.Linear(WIDTH, kv * D, bias=False)
        self.wv = nn.Linear(WIDTH, kv * D, bias=False)
        self.wo = nn.Linear(WIDTH, WIDTH, bias=False)
        self.rotate = rotate

    def forward(self, x: Tensor, freqs_cis: Tensor) -> Tensor:
        xq, xk, xv = (w(x).unflatten(-1, (-1, D)) for w in (self.wq, self.wk, self.wv))
        xq, xk = self.rotate(xq, xk, freqs_cis)
        return self.wo(attend(*(y.transpose(1, 2) for y in (xq, xk, xv))))


class TinyAttention(ComplexAttention):
    """q and k are tiny, as in a deep network whose weights are random."""

    def __init__(self) -> None:
        super().__init__()
        for weight in (self.wq.weight, self.wk.weight):
            weight.data *= 3e-30


class TwoCallsAttention(ComplexAttention):
    """q and k are turned by a call each; `late`: k by the next rows of the table."""

    def __init__(self, late: int = 0) -> None:
        super().__init__()
        self.late = late

    def forward(self, x: Tensor, freqs_cis: Tensor) -> Tensor:
        xq, xk, xv = (w(x).unflatten(-1, (-1, D)) for w in (self.wq, self.wk, self.wv))
        xq = turn_one(xq, freqs_cis, 0)
        xk = turn_one(xk, freqs_cis, self.late)
        return self.wo(attend(*(y.transpose(1, 2) for y in (xq, xk, xv))))


class TwoThetasAttention(ComplexAttention):
    """k is turned by a table of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k_table", precompute_freqs_cis(D, LONG, 500000.0), persistent=False)

    def forward(self, x: Tensor, freqs_cis: Tensor) -> Tensor:
        xq, xk, xv = (w(x).unflatten(-1, (-1, D)) for w in (self.wq, self.wk, self.wv))
        xq, xk = turn_one(xq, freqs_cis, 0), turn_one(xk, self.k_table, 0)
        return self.wo(attend(*(y.transpose(1, 2) for y in (xq, xk, xv))))


class AgainAfterCacheAttention(ComplexAttention):
    """Turns k before it is kept, and again what was kept."""

    def forward(self, x: Tensor, freqs_cis: Tensor) -> Tensor:
        xq, xk, xv = (w(x).unflatten(-1, (-1, D)) for w in (self.wq, self.wk, self.wv))
        kept = turn_one(xk, freqs_cis, 0)
        xq, xk = self.rotate(xq, kept, freqs_cis)
        return self.wo(attend(*(y.transpose(1, 2) for y in (xq, xk, xv))))


def turn_one(x: Tensor, freqs_cis: Tensor, first: int) -> Tensor:
    rows = freqs_cis[first : first + x.shape[1]]
    return as_lanes(as_numbers(x) * rows[None, :, None], x)


class ComplexModel(Decoder):
    """A decoder that keeps one table, made when it was built.

    `make`: makes the table. `whole`: layers get all rows, not only those of the tokens.
    """

    def __init__(
        self,
        layers: list[nn.Module],
        make: Callable[..., Tensor],
        whole: bool = False,
        rows: int = LONG,
    ) -> None:
        super().__init__(layers)
        self.freqs_cis = make(D, rows)
        self.whole = whole

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.embed(input_ids)
        rows = self.freqs_cis if self.whole else self.freqs_cis[: input_ids.shape[1]]
        for layer in self.layers:
            x = x + layer(x, rows)
        return self.head(x)


class InferenceModel(ComplexModel):
    """Runs without gradients, as DeepSeek's own code for inference."""

    def __init__(self) -> None:
        super().__init__([ComplexAttention()], precompute_freqs_cis)

    @torch.inference_mode()
    def forward(self, input_ids: Tensor) -> Tensor:
        return super().forward(input_ids)


class ClampModel(ComplexModel):
    """A table of 12 rows, whose last row stands for all further ones."""

    def __init__(self) -> None:
        super().__init__([ComplexAttention()], precompute_freqs_cis, rows=12)

    def rows(self, positions: Tensor) -> Tensor:
        return self.freqs_cis[positions.clamp(max=len(self.freqs_cis) - 1)]

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.embed(input_ids)
        rows = self.rows(torch.arange(input_ids.shape[1]))
        for layer in self.layers:
            x = x + layer(x, rows)
        return self.head(x)


class WrapModel(ClampModel):
    """The same, which begins again at its first row."""

    def rows(self, positions: Tensor) -> Tensor:
        return self.freqs_cis[positions % len(self.freqs_cis)]


def _of(
    layer: Callable[..., nn.Module], *arguments: object, make: Callable[..., Tensor] = precompute_freqs_cis,
    whole: bool = False, rows: int = LONG,
) -> Callable[[], ComplexModel]:  # fmt: skip
    return lambda: ComplexModel([layer(*arguments)], make, whole, rows)


def _many_tokens() -> dict[str, Tensor]:
    return tokens(300, 1)


MODELS = [
    PlantedModel("complex", _of(ComplexAttention)),
    PlantedModel("complex-gqa", _of(ComplexAttention, apply_rotary_emb, 2)),
    PlantedModel("complex-tiny", _of(TinyAttention)),
    PlantedModel("complex-inference", InferenceModel),
    PlantedModel("complex-halves", _of(ComplexAttention, apply_to_halves)),
    PlantedModel("complex-two-calls", _of(TwoCallsAttention, whole=True)),
    PlantedModel("complex-many", _of(ComplexAttention, rows=300), inputs=_many_tokens),
    PlantedModel("complex-k-not", _of(ComplexAttention, apply_only_to_q), "not-rotated", "k"),
    PlantedModel("complex-k-conjugate", _of(ComplexAttention, apply_conjugate_to_k), "q-and-k-differ", "opposite"),
    PlantedModel("complex-k-late", _of(ComplexAttention, apply_late_to_k), "q-and-k-differ", "positions"),
    PlantedModel("complex-k-late-call", _of(TwoCallsAttention, 1, whole=True), "q-and-k-differ", "positions"),
    PlantedModel("complex-k-theta", _of(TwoThetasAttention, whole=True), "q-and-k-differ", "frequencies"),
    PlantedModel("complex-k-twice", _of(ComplexAttention, apply_squares), "rotated-twice", "xk rotates twice"),
    PlantedModel("complex-k-again", _of(AgainAfterCacheAttention), "rotated-twice", "k"),
    PlantedModel("complex-real-part", _of(ComplexAttention, apply_real_part), "imaginary-dropped"),
    PlantedModel("complex-along-batch", _of(ComplexAttention, apply_along_the_batch), "per-batch"),
    PlantedModel("complex-clamp", ClampModel, "row-past-table", "12"),
    PlantedModel("complex-wrap", WrapModel, "row-past-table", "12"),
    PlantedModel("complex-bfloat16-frequencies", _of(ComplexAttention, make=precompute_in_bfloat16), "phase-rounded"),
    PlantedModel(
        "complex-bfloat16-positions",
        _of(ComplexAttention, make=precompute_from_positions_in_bfloat16, rows=300),
        "phase-rounded", inputs=_many_tokens,
    ),
    PlantedModel("complex-float16-angles", _of(ComplexAttention, make=precompute_angles_in_float16), "phase-rounded"),
]  # fmt: skip
assert S < LONG
