"""The mistakes of the field, planted: each rotates, and not as it should."""

import torch
from identifying import Corpus
from torch import Tensor, nn

expect = Corpus()


def frequencies(width: int, theta: float = 10000.0) -> Tensor:
    return theta ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)


def turn_half(x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def in_halves(x: Tensor, angle: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()), -1)


@expect(mistakes=("v-rotated",), pairing="half", rotates_v=True)
def all_three(q, k, v, cos, sin):
    cos, sin = cos[:, None], sin[:, None]
    return tuple(x * cos + turn_half(x) * sin for x in (q, k, v))


@expect(mistakes=("v-rotated",), pairing="half", rotates_v=True)
def whole_qkv(qkv, cos, sin):
    cos, sin = cos[None, :, None, None], sin[None, :, None, None]
    a, b = qkv.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


@expect(mistakes=("one-sign",), pairing="half")
def minus_forgotten(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos[:, None] + torch.cat((b, a), -1) * sin[:, None]


@expect(mistakes=("one-sign",), pairing="half")
def minus_forgotten_counting(x):
    angle = torch.outer(torch.arange(x.shape[1]).float(), frequencies(x.shape[-1]))[:, None]
    a, b = x.chunk(2, -1)
    return torch.cat((a * angle.cos() + b * angle.sin(), b * angle.cos() + a * angle.sin()), -1)


@expect(mistakes=("aliasing",), pairing="half")
def reads_what_it_wrote(x, cos, sin):
    out = x.clone()
    a, b = out.chunk(2, -1)
    c, s = cos[:, None], sin[:, None]
    a.copy_(a * c - b * s)
    b.copy_(b * c + a * s)
    return out


@expect(mistakes=("imaginary-dropped",), pairing=None, direction=None, output_lanes=None)
def real_part_only(x, cis):
    z = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    kept = torch.stack((z.real * cis.real[:, None], z.imag * cis.real[:, None]), -1)
    return kept.flatten(-2).to(x.dtype)


@expect(mistakes=("rotated-twice",), pairing="half")
def twice(x, cos, sin):
    for _ in range(2):
        x = x * cos[:, None] + turn_half(x) * sin[:, None]
    return x


@expect(mistakes=("rotated-twice",), pairing="half")
def twice_counting(x):
    angle = torch.outer(torch.arange(x.shape[1]).float(), frequencies(x.shape[-1]))[:, None]
    return in_halves(in_halves(x, angle), angle)


@expect(mistakes=("rotated-back",), pairing="half")
def there_and_back(x, cos, sin):
    turned = x * cos[:, None] + turn_half(x) * sin[:, None]
    return turned * cos[:, None] - turn_half(turned) * sin[:, None]


@expect(mistakes=("pairing-of-tables",))
def neighbours_with_tables_of_halves(x):
    angle = torch.outer(torch.arange(x.shape[1]).float(), frequencies(x.shape[-1]))
    both = torch.cat((angle, angle), -1)[:, None]
    turned = torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
    return x * both.cos() + turned * both.sin()


@expect(mistakes=("per-head",), pairing="half")
def rows_of_all_heads(x):
    flat = x.flatten(1, 2)  # (B, S*H, D)
    angle = torch.outer(torch.arange(flat.shape[1]).float(), frequencies(x.shape[-1]))
    return in_halves(flat, angle).view_as(x)


@expect(mistakes=("offset",), pairing="half")
def begins_with_one(x):
    angle = torch.outer(torch.arange(1, x.shape[1] + 1).float(), frequencies(x.shape[-1]))[:, None]
    return in_halves(x, angle)


@expect(mistakes=("shifted",), pairing="half")
def row_of_the_next(x, cos, sin):
    assert cos.dim() == 2, "(S, D)"
    c, s = cos.roll(-1, 0)[:, None], sin.roll(-1, 0)[:, None]
    return x * c + turn_half(x) * s


@expect(mistakes=("over-head-dim",), pairing="half", rotary_dim=16, ambiguous=("schedule",))
class FrequenciesOfAllLanes(nn.Module):
    def __init__(self, head_dim: int) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.rot = head_dim // 4
        self.bands = frequencies(head_dim)[: self.rot // 2]

    def forward(self, x: Tensor) -> Tensor:
        angle = torch.outer(torch.arange(x.shape[1]).float(), self.bands)[:, None]
        return torch.cat((in_halves(x[..., : self.rot], angle), x[..., self.rot :]), -1)


@expect(mistakes=("phase",), pairing="half")
def positions_in_bfloat16(x, positions):
    angle = positions.bfloat16().float()[..., None] * frequencies(x.shape[-1])
    return in_halves(x, angle.unsqueeze(-2))


@expect(mistakes=("phase",), pairing="half")
def frequencies_in_half(x, positions):
    angle = positions.float()[..., None] * frequencies(x.shape[-1]).half().float()
    return in_halves(x, angle.unsqueeze(-2))


@expect(mistakes=("per-batch",), pairing="half")
def positions_of_the_first_row(x, positions):
    assert positions.dim() == 2, "(B, S)"
    angle = positions[0].float()[:, None] * frequencies(x.shape[-1])
    return in_halves(x, angle[:, None])


@expect(mistakes=("per-batch",), pairing="half")
def tables_of_the_first_row(q, k, cos, sin):
    assert cos.dim() == 3, "(B, S, D)"
    cos, sin = cos[:1].unsqueeze(1), sin[:1].unsqueeze(1)
    return q * cos + turn_half(q) * sin, k * cos + turn_half(k) * sin


@expect(mistakes=("offset-ignored",), pairing="half")
class CachedByLength(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inv_freq = frequencies(dim)
        self.kept: dict[int, Tensor] = {}

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        rows = x.shape[1]
        if rows not in self.kept:
            self.kept[rows] = torch.outer(
                torch.arange(offset, offset + rows).float(), self.inv_freq
            )
        return in_halves(x, self.kept[rows][:, None])


@expect(mistakes=("unlike",), pairing="half")
def key_backwards(q, k, cos, sin):
    c, s = cos[:, None], sin[:, None]
    return q * c + turn_half(q) * s, k * c - turn_half(k) * s


@expect(mistakes=("unlike",), pairing="half")
def key_left_alone(q, k, cos, sin):
    c, s = cos[:, None], sin[:, None]
    return q * c + turn_half(q) * s, k.clone()


@expect(mistakes=("unlike",), pairing="half")
def key_of_neighbours(q, k, cos, sin):
    c, s = cos[:, None], sin[:, None]
    a, b = k[..., ::2], k[..., 1::2]
    half = c.shape[-1] // 2
    c2, s2 = c[..., :half], s[..., :half]
    return q * c + turn_half(q) * s, torch.stack((a * c2 - b * s2, b * c2 + a * s2), -1).flatten(-2)


@expect(mistakes=("mixes",), pairing="half")
def normalises_as_well(x, cos, sin):
    x = torch.nn.functional.normalize(x, dim=-1)
    return x * cos[:, None] + turn_half(x) * sin[:, None]


@expect(unknown=True, choices=("no-convention",), pairing=None, direction=None, output_lanes=None)
def reversed_second_half(x, cos, sin):
    assert cos.shape[-1] == x.shape[-1] // 2, "one a pair"
    a, b = x.chunk(2, -1)
    b = b.flip(-1)
    c, s = cos[:, None], sin[:, None]
    return torch.cat((a * c - b * s, (b * c + a * s).flip(-1)), -1)


@expect(mistakes=("writes-tables",), pairing="half")
def scales_the_tables(x, cos, sin):
    out = x * cos[:, None] + turn_half(x) * sin[:, None]
    cos.mul_(0.5)
    return out


@expect(mistakes=("writes-input",), pairing="half")
def spoils_its_input(x, cos, sin):
    out = x * cos[:, None] + turn_half(x) * sin[:, None]
    x.zero_()
    return out


@expect(mistakes=("writes-input",), pairing="half", in_place=True)
def overwrites_and_returns_another(x, cos, sin):
    out = x * cos[:, None] + turn_half(x) * sin[:, None]
    x.copy_(out)
    return out


@expect(mistakes=("writes-input",), pairing="half", in_place=True)
def writes_by_data(x, cos, sin):
    x.data.copy_(x * cos[:, None] + turn_half(x) * sin[:, None])
    return x


@expect(mistakes=("writes-input",), pairing="half", in_place=True)
def exchanges_its_data(x, cos, sin):
    x.data = x * cos[:, None] + turn_half(x) * sin[:, None]
    return x


@expect(mistakes=("scaled",), pairing="half")
def longer_with_the_position(x):
    rows = torch.arange(x.shape[1]).float()
    angle = torch.outer(rows, frequencies(x.shape[-1]))[:, None]
    return in_halves(x, angle) * (1 + 0.01 * rows)[:, None, None]


@expect(mistakes=("frequencies",), pairing="half")
def few_pairs_turn(x):
    angle = torch.outer(torch.arange(x.shape[1]).float(), frequencies(x.shape[-1]))
    angle[:, x.shape[-1] // 16 :] = 0.0
    return in_halves(x, angle[:, None])


@expect(mistakes=("not-finite",), pairing="half")
def nan_for_large_elements(x, cos, sin):
    out = x * cos[:, None] + turn_half(x) * sin[:, None]
    return out.masked_fill(x > 3.0, torch.nan)


@expect(mistakes=("phase",), pairing="half", layout="bhsd", tables="positions")
def positions_in_the_dtype_of_x(x, pos):
    angle = pos.to(x.dtype)[:, None].float() * frequencies(x.shape[-1])
    return in_halves(x.float(), angle[None, None]).to(x.dtype)


@expect(mistakes=("low-precision",), pairing="half", layout="bhsd", tables="positions")
class TablesCachedInBfloat16(nn.Module):
    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        angle = torch.outer(torch.arange(4096).float(), frequencies(dim))
        self.register_buffer("cos", torch.cat((angle, angle), -1).cos().bfloat16())
        self.register_buffer("sin", torch.cat((angle, angle), -1).sin().bfloat16())

    def forward(self, x):
        cos, sin = (t[: x.shape[-2]].to(x.dtype) for t in (self.cos, self.sin))
        return x * cos + turn_half(x) * sin


@expect(mistakes=("angles-reshaped",), pairing="half", layout="bshd", tables="positions")
def angles_viewed_as_if_transposed(x):
    angle = torch.outer(torch.arange(x.shape[1]).float(), frequencies(x.shape[-1]))
    return in_halves(x, angle.T.reshape(angle.shape)[:, None])


@expect(mistakes=("phase",), pairing="half", layout="bshd", tables="positions")
def counts_in_the_dtype_of_x(x):
    rows = torch.arange(x.shape[1], dtype=x.dtype).float()
    return in_halves(x.float(), torch.outer(rows, frequencies(x.shape[-1]))[:, None]).to(x.dtype)


@expect(mistakes=("positions-ignored",), pairing="half")
def counts_rows_whatever_it_is_told(q, k, cos, sin, position_ids):
    cos, sin = cos[: q.shape[2]][None, None], sin[: q.shape[2]][None, None]
    return q * cos + turn_half(q) * sin, k * cos + turn_half(k) * sin
