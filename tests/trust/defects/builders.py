"""Functions and modules that make tables, and make them wrong. They say nothing of themselves."""

import torch
from planting import planted


def inverse(dim, base=10000.0):
    return 1.0 / base ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)


def both(angles):
    table = torch.cat((angles, angles), -1)
    return table.cos(), table.sin()


@planted("phase", "N1: arange(n).type_as(inv_freq) of a cast inv_freq")
def tables_by_type_as(seq_len, dim):
    inv_freq = inverse(dim).to(torch.bfloat16)
    return both(torch.arange(seq_len).type_as(inv_freq)[:, None] * inv_freq)


@planted("phase", "N1: positions in float16")
def tables_from_float16_positions(positions, dim):
    return both(positions.half().double()[:, None] * inverse(dim))


@planted("phase", "N1: inv_freq rounded to bfloat16, positions exact")
def freqs_cis_of_bfloat16(dim, end):
    angles = torch.arange(end).double()[:, None] * inverse(dim).bfloat16().double()
    return torch.polar(torch.ones_like(angles), angles).to(torch.complex64)


@planted("phase", "N2: a matrix product under autocast")
class AutocastTables(torch.nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.register_buffer("inv_freq", inverse(dim).float(), persistent=False)

    def forward(self, x, position_ids):
        with torch.autocast("cpu", torch.bfloat16):
            freqs = position_ids[..., None].float() @ self.inv_freq[None]
        cos, sin = both(freqs.float())
        return cos.to(x.dtype), sin.to(x.dtype)


@planted("phase", "N3: a matrix product in TF32")
def tables_in_tf32(positions, dim):
    def tf32(t):
        return ((t.float().view(torch.int32) + (1 << 12)) & -(1 << 13)).view(torch.float32).double()

    return both(tf32(positions)[:, None] * tf32(inverse(dim)))


@planted("phase", "N4: arange patched to make bfloat16")
def tables_under_zero_init(dim, max_len):
    t = torch.arange(max_len, dtype=torch.bfloat16).float()
    return both(t[:, None].double() * inverse(dim))


@planted("offset", "N11: the table starts at position 1")
def tables_from_one(dim, length):
    return both(torch.arange(1, length + 1)[:, None].double() * inverse(dim))


@planted("rotated-twice", "N10: twice the angle")
def doubled_angles(dim, length):
    return both(2 * torch.arange(length)[:, None].double() * inverse(dim))
