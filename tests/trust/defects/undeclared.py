"""Functions that say nothing of themselves: `identify` finds what they do,
and what of that can only be a mistake."""

import torch
from planting import planted

THETA = 10000.0


def turn(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def frequencies(width):
    return THETA ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)


def by_angles(x, angles):
    """Half pairs of (B, S, H, D) by angles ([B,] S, P)."""
    angles = angles.unsqueeze(-2)
    return turn(x.double(), angles.cos(), angles.sin()).to(x.dtype)


# with tables


@planted("v-rotated", "N10, nothing said")
def value_too(q, k, v, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return tuple(x * cos + rotate_half(x) * sin for x in (q, k, v))


@planted("v-rotated", "N10, packed: one table for all three")
def packed_value_too(qkv, cos, sin):
    cos, sin = cos[:, None, None], sin[:, None, None]  # (S, 1, 1, D/2)
    return turn(qkv, cos, sin)


@planted("rotated-twice", "N10, nothing said")
def twice(x, freqs_cis):
    wide = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous())
    freqs_cis = freqs_cis[:, None]
    return torch.view_as_real(wide * freqs_cis * freqs_cis).flatten(-2).to(x.dtype)


@planted("rotated-twice", "N10, half, nothing said")
def twice_half(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return turn(turn(q, cos, sin), cos, sin), turn(turn(k, cos, sin), cos, sin)


@planted("one-sign", "nothing said")
def sum_of_both(x, cos, sin):
    cos, sin = cos[:, None], sin[:, None]
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos + b * sin, b * cos + a * sin), -1)


@planted("aliasing", "N20, nothing said")
def overwritten(x, cos, sin):
    cos, sin = cos[:, None], sin[:, None]
    out = x.clone()
    a, b = out.chunk(2, -1)
    a.copy_(a * cos - b * sin)
    b.copy_(b * cos + a * sin)
    return out


@planted("aliasing", "N20, in place, nothing said")
def overwritten_in_place(x, cos, sin):
    cos, sin = cos[:, None], sin[:, None]
    x[..., ::2] = x[..., ::2] * cos - x[..., 1::2] * sin
    x[..., 1::2] = x[..., 1::2] * cos + x[..., ::2] * sin
    return x


@planted("imaginary-dropped", "N6, nothing said")
def only_cos(x, cos, sin):
    return x * cos[:, None]


@planted("imaginary-dropped", "N6, of a complex table, nothing said")
def real_part_only(x, freqs_cis):
    wide = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(wide * freqs_cis[:, None].real).flatten(-2).to(x.dtype)


@planted("unlike", "k the other way, nothing said")
def unlike_k(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return turn(q, cos, sin), turn(k, cos, -sin)


@planted("unlike", "k forgotten, nothing said")
def forgotten_k(q, k, cos, sin):
    return turn(q, cos.unsqueeze(1), sin.unsqueeze(1)), k


@planted("shifted", "N11, nothing said")
def late_by_a_row(x, cos, sin):
    cos, sin = (torch.cat((t[:1], t[:-1]))[:, None] for t in (cos, sin))
    return turn(x, cos, sin)


@planted("pairing-of-tables", "ECOSYSTEM 2.6, nothing said: widened the wrong way")
def wrongly_widened(x, cos, sin):
    cos, sin = (t.repeat_interleave(2, -1)[:, None] for t in (cos, sin))
    return x * cos + rotate_half(x) * sin


@planted("not-rotated", "F17, nothing said")
def untouched(x, cos, sin):
    return x.clone()


@planted("writes-tables", "N12, nothing said")
def spoils_its_table(x, cos, sin):
    out = turn(x, cos[:, None], sin[:, None])
    sin.mul_(-1)
    return out


@planted("writes-input", "F14, nothing said")
def clears_its_input(x, cos, sin):
    out = turn(x, cos[:, None], sin[:, None])
    with torch.no_grad():
        x.zero_()
    return out


@planted(
    "writes-input",
    "the result is written into the input, and a new tensor is returned, nothing said",
)
def writes_and_returns_a_new_tensor(x, cos, sin):
    out = turn(x, cos[:, None], sin[:, None])
    with torch.no_grad():
        x.copy_(out)
    return out


@planted("per-head", "a table that lines up with rows times heads")
def flattened_heads(x, positions):
    rows = x.shape[1] * x.shape[2]
    angles = torch.arange(rows)[:, None] * frequencies(x.shape[-1])
    flat = x.flatten(1, 2).unsqueeze(2)  # (B, S * H, 1, D)
    return by_angles(flat, angles).squeeze(2).unflatten(1, x.shape[1:3])


@planted("per-batch", "N17, nothing said")
def goes_on_counting(x):
    rows = torch.arange(x.shape[0] * x.shape[1]).view(x.shape[0], x.shape[1], 1)
    return by_angles(x, rows * frequencies(x.shape[-1]))


@planted("per-batch", "N16, ECOSYSTEM 2.1 aiter, nothing said")
def row_0_for_all(q, k, cos, sin):
    cos, sin = cos[:1].unsqueeze(1), sin[:1].unsqueeze(1)  # of (B, S, D)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@planted("per-batch", "N16, of positions, nothing said")
def positions_of_row_0(x, positions):
    return by_angles(x, positions[0, :, None] * frequencies(x.shape[-1]))


@planted("positions-past-table", "F12: rows past the table come back as they were")
def past_the_table(x, cos, sin):
    rows = min(len(cos), x.shape[1])
    turned = turn(x[:, :rows], cos[:rows, None], sin[:rows, None])
    return torch.cat((turned, x[:, rows:]), 1)


@planted("positions-past-table", "C5's silent cousin: positions clamped to the table")
def clamped(x, cos, sin, positions):
    at = positions.clamp(max=len(cos) - 1)
    return turn(x, cos[at].unsqueeze(-2), sin[at].unsqueeze(-2))


@planted("positions-past-table", "ECOSYSTEM 2.11: positions wrap around")
def wrapped(x, cos, sin, positions):
    at = positions % len(cos)
    return turn(x, cos[at].unsqueeze(-2), sin[at].unsqueeze(-2))


# with angles of their own


@planted("offset", "N11; detector: constant offset +1, nothing said")
class CountsFromOne(torch.nn.Module):
    def __init__(self, head_dim):
        super().__init__()
        self.head_dim = head_dim

    def forward(self, x):
        return by_angles(x, torch.arange(1, x.shape[1] + 1)[:, None] * frequencies(self.head_dim))


@planted("offset", "N11, of given positions")
def one_too_many(x, positions):
    return by_angles(x, (positions + 1)[..., None] * frequencies(x.shape[-1]))


@planted("rotated-twice", "N10, by its own angles")
def twice_by_own_angles(x, positions):
    angles = positions[..., None] * frequencies(x.shape[-1])
    return by_angles(by_angles(x, angles), angles)


@planted("over-head-dim", "N8, nothing said")
def partly_over_head_dim(x, positions):
    half = x.shape[-1] // 2
    own = by_angles(x[..., :half], positions[..., None] * frequencies(x.shape[-1])[: half // 2])
    return torch.cat((own, x[..., half:]), -1)


@planted("phase", "N1, nothing said")
def bfloat16_positions(x, positions):
    return by_angles(x, positions.bfloat16().double()[..., None] * frequencies(x.shape[-1]))


@planted("phase", "N1, frequencies of a module that was cast")
class CastFrequencies(torch.nn.Module):
    def __init__(self, dim, base=10000.0):
        super().__init__()
        inverse = 1.0 / base ** (torch.arange(0, dim, 2).float() / dim)
        self.register_buffer("inv_freq", inverse.to(torch.bfloat16), persistent=False)

    def forward(self, x, positions):
        return by_angles(x, positions[..., None].double() * self.inv_freq.double())


@planted("phase", "N2, nothing said")
def autocast_phase(x, positions):
    with torch.autocast("cpu", torch.bfloat16):
        angles = positions.float()[..., None] @ frequencies(x.shape[-1]).float()[None]
    return by_angles(x, angles.double())


@planted("phase", "N3, nothing said")
def tf32_phase(x, positions):
    def tf32(t):
        return ((t.float().view(torch.int32) + (1 << 12)) & -(1 << 13)).view(torch.float32).double()

    return by_angles(x, tf32(positions)[..., None] * tf32(frequencies(x.shape[-1])))


@planted("not-rotated", "N5, nothing said")
class NeverFilled(torch.nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.register_buffer("inv_freq", torch.full((dim // 2,), -2.0e-14), persistent=False)

    def forward(self, x, positions):
        return by_angles(x, positions[..., None].double() * self.inv_freq.double())


@planted("imaginary-dropped", "N6, a module whose complex buffer was cast by .to(dtype)")
class CastComplex(torch.nn.Module):
    def __init__(self, dim, max_seq_len=4096):
        super().__init__()
        angles = torch.arange(max_seq_len)[:, None] * frequencies(dim)
        self.register_buffer(
            "freqs_cis",
            torch.polar(torch.ones_like(angles), angles).to(torch.complex64).real,
            persistent=False,
        )

    def forward(self, x):
        wide = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(wide * self.freqs_cis[: x.shape[1], None]).flatten(-2).to(x.dtype)


@planted("offset-ignored", "ECOSYSTEM 2.3: cached under the length only")
class CachesByLength(torch.nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim, self.cached = dim, {}

    def forward(self, x, offset=None):
        offset = offset or 0
        if x.shape[1] not in self.cached:
            self.cached[x.shape[1]] = torch.arange(offset, offset + x.shape[1])[
                :, None
            ] * frequencies(self.dim)
        return by_angles(x, self.cached[x.shape[1]])


@planted("row-past-table", "F12, of a module with a table")
class ShortTable(torch.nn.Module):
    def __init__(self, dim, max_seq_len=1024):
        super().__init__()
        self.angles = torch.arange(max_seq_len)[:, None] * frequencies(dim)

    def forward(self, x, positions):
        known = positions < len(self.angles)
        angles = self.angles[positions.clamp(max=len(self.angles) - 1)]
        return by_angles(x, torch.where(known[..., None], angles, 0.0))
