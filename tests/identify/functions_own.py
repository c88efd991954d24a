"""Functions and modules that compute their angles themselves, from positions, an offset,
or by counting rows."""

import math
from dataclasses import dataclass

import torch
from identifying import Corpus
from torch import Tensor, nn

expect = Corpus()


def frequencies(width: int, theta: float = 10000.0) -> Tensor:
    return theta ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)


def in_halves(x: Tensor, angle: Tensor) -> Tensor:
    """Turn (..., D) by angles (..., D/2)."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()), -1)


def as_neighbours(x: Tensor, angle: Tensor) -> Tensor:
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack(
        (a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()), -1
    ).flatten(-2)


OWN = {"kind": "both", "tables": "positions"}


@expect(
    **OWN,
    pairing="half",
    layout="bshd",
    positions="from 0",
    theta=10000.0,
    schedule="Plain",
    argument_order=("x",),
)
def counts_rows(x):
    rows = torch.arange(x.shape[1], device=x.device, dtype=torch.float32)
    return in_halves(x, torch.outer(rows, frequencies(x.shape[-1]))[:, None]).to(x.dtype)


@expect(
    **OWN,
    pairing="interleaved",
    layout="bhsd",
    positions="from 0",
    theta=500000.0,
    argument_order=("x",),
)
def counts_rows_of_heads(u):
    rows = torch.arange(u.size(2), device=u.device).float()
    return as_neighbours(u, rows[:, None] * frequencies(u.size(-1), 500000.0)).to(u.dtype)


@expect(
    **OWN,
    pairing="half",
    layout="bshd",
    positions="any",
    theta=10000.0,
    argument_order=("x", "positions"),
)
def at_positions(x, position_ids):
    angle = position_ids[..., None].float() * frequencies(x.shape[-1])
    return in_halves(x, angle.unsqueeze(-2)).to(x.dtype)


@expect(
    **OWN,
    pairing="half",
    layout="bhsd",
    positions="any",
    argument_order=("q", "k", "positions"),
    theta=10000.0,
)
def two_at_positions(q, k, pos):
    angle = torch.einsum("...s,d->...sd", pos.float(), frequencies(q.shape[-1]))
    angle = angle.unsqueeze(-3)
    return in_halves(q, angle), in_halves(k, angle)


@expect(
    **OWN,
    pairing="interleaved",
    layout="bshd",
    positions="offset",
    argument_order=("x", "offset=offset"),
    theta=10000.0,
)
def from_an_offset(x, offset=0):
    rows = torch.arange(offset, offset + x.shape[1], device=x.device).float()
    return as_neighbours(x, torch.outer(rows, frequencies(x.shape[-1]))[:, None])


@expect(
    **OWN,
    pairing="half",
    layout="bhsd",
    positions="offset",
    argument_order=("q", "k", "offset"),
    theta=10000.0,
)
def from_a_start(xq, xk, start_pos):
    rows = torch.arange(start_pos, start_pos + xq.shape[-2]).float()
    angle = torch.outer(rows, frequencies(xq.shape[-1]))
    return in_halves(xq, angle), in_halves(xk, angle)


@expect(
    **OWN,
    pairing="half",
    layout="bshd",
    direction=-1,
    choices=("direction",),
    positions="from 0",
    theta=10000.0,
)
def counts_backwards(x):
    rows = torch.arange(x.shape[1]).float()
    return in_halves(x, -torch.outer(rows, frequencies(x.shape[-1]))[:, None])


@expect(**OWN, pairing="half", layout="bshd", rotary_dim=16, positions="from 0", theta=10000.0)
class SixteenLanes(nn.Module):
    def __init__(self, head_dim: int, rot: int = 16) -> None:
        super().__init__()
        self.rot = rot
        self.register_buffer("inv_freq", frequencies(rot), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.arange(x.shape[1], device=x.device).float()
        turned = in_halves(x[..., : self.rot], torch.outer(rows, self.inv_freq)[:, None])
        return torch.cat((turned.to(x.dtype), x[..., self.rot :]), -1)


@expect(**OWN, pairing="interleaved", layout="bshd", positions="from 0", theta=10000.0)
class Cached(nn.Module):
    """Complex table of its own, so many rows."""

    def __init__(self, dim: int, max_seq_len: int = 5000) -> None:
        super().__init__()
        angle = torch.outer(torch.arange(max_seq_len).float(), frequencies(dim))
        self.cis = torch.polar(torch.ones_like(angle), angle)

    def forward(self, x: Tensor) -> Tensor:
        z = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
        return torch.view_as_real(z * self.cis[: x.shape[1], None]).flatten(-2).to(x.dtype)


@expect(**OWN, pairing="half", layout="bhsd", positions="any", theta=1000000.0)
class OfPositions(nn.Module):
    def __init__(
        self, head_size: int, base: float = 1000000.0, max_position_embeddings: int = 4096
    ) -> None:
        super().__init__()
        angle = torch.outer(
            torch.arange(max_position_embeddings).float(), frequencies(head_size, base)
        )
        self.register_buffer("cos", angle.cos().repeat(1, 2))
        self.register_buffer("sin", angle.sin().repeat(1, 2))

    def forward(self, query: Tensor, key: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        cos, sin = self.cos[position_ids].unsqueeze(-3), self.sin[position_ids].unsqueeze(-3)

        def turned(x: Tensor) -> Tensor:
            a, b = x.chunk(2, -1)
            return x * cos + torch.cat((-b, a), -1) * sin

        return turned(query), turned(key)


@dataclass
class Settings:
    hidden_size: int = 512
    num_heads: int = 8
    rope_theta: float = 10000.0


@expect(**OWN, pairing="half", layout="bshd", positions="from 0", theta=10000.0)
class FromSettings(nn.Module):
    def __init__(self, config: Settings) -> None:
        super().__init__()
        self.head_dim = config.hidden_size // config.num_heads
        self.inv_freq = frequencies(self.head_dim, config.rope_theta)

    def forward(self, x: Tensor) -> Tensor:
        return in_halves(x, torch.outer(torch.arange(x.shape[1]).float(), self.inv_freq)[:, None])


@expect(**OWN, pairing="half", layout="bshd", positions="from 0", theta=10000.0)
class FromAnyConfig(nn.Module):
    def __init__(self, cfg) -> None:
        super().__init__()
        self.inv_freq = frequencies(cfg.n_embd // cfg.n_head)

    def forward(self, x: Tensor) -> Tensor:
        return in_halves(x, torch.outer(torch.arange(x.shape[1]).float(), self.inv_freq)[:, None])


@expect(**OWN, pairing="interleaved", layout="bhsd", positions="from 0", theta=10000.0)
def made_by_a_factory():
    kept = frequencies(64)

    def turned(x):
        return as_neighbours(x, torch.outer(torch.arange(x.shape[2]).float(), kept))

    return turned


class Attention(nn.Module):
    """A rotary that is a method of something else."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inv_freq = frequencies(dim)

    def rotary(self, x: Tensor) -> Tensor:
        return in_halves(x, torch.outer(torch.arange(x.shape[1]).float(), self.inv_freq)[:, None])


expect.of(
    "Attention.rotary", **OWN, pairing="half", layout="bshd", positions="from 0", theta=10000.0
)


@expect(**OWN, pairing="half", layout="sbhd", positions="from 0", theta=10000.0)
def rows_in_front(x):
    assert x.dim() == 4, "(S, B, H, D)"
    return in_halves(
        x, torch.outer(torch.arange(x.shape[0]).float(), frequencies(x.shape[-1]))[:, None, None]
    )


@expect(**OWN, pairing="half", layout="bshd", positions="from 0", schedule="Linear", theta=10000.0)
def interpolated(x):
    rows = torch.arange(x.shape[1]).float() / 4
    return in_halves(x, torch.outer(rows, frequencies(x.shape[-1]))[:, None])


@expect(**OWN, pairing="half", layout="bshd", positions="any", schedule="Llama3")
class Llama3Scaled(nn.Module):
    def __init__(self, head_dim: int = 128) -> None:
        super().__init__()
        own = frequencies(head_dim, 500000.0)
        wavelength = 2 * math.pi / own
        smooth = ((8192 / wavelength - 1) / 3).clamp(0, 1)
        self.inv_freq = own * smooth + own / 8 * (1 - smooth)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        return in_halves(x, (positions[..., None].float() * self.inv_freq).unsqueeze(-2))


@expect(
    **OWN, pairing="half", layout="bshd", positions="from 0", ambiguous=("pairing",), theta=None
)
def two_lanes_only(x):
    rows = torch.arange(x.shape[1]).float()[:, None, None]
    a, b = x[..., :1], x[..., 1:2]
    turned = torch.cat((a * rows.cos() - b * rows.sin(), b * rows.cos() + a * rows.sin()), -1)
    return torch.cat((turned, x[..., 2:]), -1)


@expect(**OWN, pairing="half", layout="qkv", positions="from 0", rotates_v=False, theta=10000.0)
def packed_counting(qkv):
    angle = torch.outer(torch.arange(qkv.shape[1]).float(), frequencies(qkv.shape[-1]))[
        :, None, None
    ]
    return torch.cat((in_halves(qkv[:, :, :2], angle), qkv[:, :, 2:]), 2)


@expect(
    **OWN,
    pairing="interleaved",
    layout="thd",
    positions="any",
    argument_order=("x", "positions"),
    theta=10000.0,
)
def tokens_at_positions(states, position_ids):
    assert states.dim() == 3, "(T, H, D)"
    return as_neighbours(
        states, (position_ids[:, None].float() * frequencies(states.shape[-1]))[:, None]
    )


@expect(**OWN, pairing="half", layout="bshd", positions="offset", theta=10000.0, in_place=True)
class GrowingInPlace(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inv_freq = frequencies(dim)
        self.rows = torch.zeros(0, dim // 2)

    def forward(self, x: Tensor, seqlen_offset: int = 0) -> Tensor:
        wanted = seqlen_offset + x.shape[1]
        if len(self.rows) < wanted:
            self.rows = torch.outer(torch.arange(wanted).float(), self.inv_freq)
        angle = self.rows[seqlen_offset:wanted, None]
        return x.copy_(in_halves(x, angle))


@expect(**OWN, pairing="half", layout="bhsd", positions="offset", rotary_dim=16, theta=10000.0)
class QuarterOfAHead(nn.Module):
    """Partial rotary as GPT-NeoX has it: the head is wider than what turns."""

    def __init__(self, head_size: int, rotary_pct: float = 0.25) -> None:
        super().__init__()
        self.rotary_ndims = int(head_size * rotary_pct)
        self.register_buffer("inv_freq", frequencies(self.rotary_ndims))

    def forward(self, q: Tensor, k: Tensor, offset: int = 0) -> tuple[Tensor, Tensor]:
        rows = torch.arange(offset, offset + q.shape[-2]).float()
        angle = torch.outer(rows, self.inv_freq)
        n = self.rotary_ndims
        turned = [torch.cat((in_halves(x[..., :n], angle), x[..., n:]), -1) for x in (q, k)]
        return turned[0], turned[1]


@expect(**OWN, pairing="half", layout="bs(hd)", positions="from 0", theta=10000.0)
class EightHeads(nn.Module):
    """Heads and lanes in one axis, and as many heads as the model has."""

    def __init__(self, n_embd: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.register_buffer(
            "angle", torch.outer(torch.arange(2048).float(), frequencies(n_embd // n_head))
        )

    def forward(self, x: Tensor) -> Tensor:
        b, s, _ = x.shape
        return in_halves(x.view(b, s, self.n_head, -1), self.angle[:s, None]).reshape(x.shape)


@expect(
    **OWN,
    pairing="half",
    layout="bhsd",
    positions="from 0",
    schedule="Ntk",
    ambiguous=("schedule",),
)
def stretched_base(q, k, seq_len):
    width = q.shape[-1]
    angle = torch.outer(
        torch.arange(seq_len).float(), frequencies(width, 10000.0 * 4 ** (width / (width - 2)))
    )
    return in_halves(q, angle), in_halves(k, angle)


HANDED = {"schedule": "the frequencies that it is given", "theta": None}


@expect(**OWN, **HANDED, pairing="interleaved", layout="bhsd", positions="any")
def frequencies_handed_over(x, positions, inv_freq):
    return as_neighbours(x, (positions[..., None].float() * inv_freq)[:, None])


@expect(**OWN, **HANDED, pairing="half", layout="bhsd", positions="from 0")
def frequencies_and_length(q, k, freqs, S):
    angle = torch.outer(torch.arange(S).float(), freqs)
    return in_halves(q, angle), in_halves(k, angle)


@expect(**OWN, pairing="interleaved", layout="bs(hd)", positions="any", theta=10000.0)
class HeadsOfTwoCoordinates(nn.Module):
    """Every other head turns with the other coordinate of a point."""

    def __init__(self, hidden_size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.register_buffer("inv_freq", frequencies(hidden_size // num_heads))

    def forward(self, position: Tensor, x: Tensor) -> Tensor:
        heads = x.view(*x.shape[:2], self.num_heads // 2, 2, -1)
        angle = (position[..., None].float() * self.inv_freq)[:, :, None]  # (B, S, 1, 2, D/2)
        return as_neighbours(heads, angle).reshape(x.shape)


@expect(**OWN, pairing="interleaved", choices=("xpos",), unknown=True)
def scaled_as_xpos(x, offset=0):
    rows = torch.arange(offset, offset + x.shape[1]).float()
    lanes = torch.arange(0, x.shape[-1], 2)
    scale = ((lanes + 0.4 * x.shape[-1]) / (1.4 * x.shape[-1])) ** (rows[:, None] / 512)
    angle = torch.outer(rows, frequencies(x.shape[-1]))
    return as_neighbours(x, angle[:, None]) * scale.repeat_interleave(2, -1)[:, None]
