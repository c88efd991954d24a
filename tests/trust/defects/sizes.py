"""Right at the usual sizes, wrong at others that people have. Each declares what it should do."""

import torch
from planting import planted

HALF = {"pairing": "half", "layout": "bshd", "tables": "half-width", "table_axes": "s1w"}
BATCHED = {**HALF, "tables": "repeated", "table_axes": "bs1w"}


def turn(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def rotated(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


@planted("partly", "a block of 256 rows without a loop over blocks", **HALF)
def rows_from_256_on(x, cos, sin):
    rows = torch.arange(x.shape[1]).clamp(max=255)
    return turn(x, cos[rows], sin[rows])


@planted("partly", "a grid of two batch rows", check="sizes", **HALF)
def batch_rows_from_2_on(x, cos, sin):
    out = turn(x, cos, sin)
    return torch.cat((out[:2], x[2:]))


@planted(
    "first-of-batch", "batch row 0's tables, from three batch rows on", batched=True, **BATCHED
)
def one_table_for_three_batch_rows(x, cos, sin):
    own = slice(None) if x.shape[0] < 3 else slice(1)
    return rotated(x, cos[own], sin[own])


@planted("not-rotated", "a path for heads of 128 alone", **HALF)
def heads_of_128(x, cos, sin):
    return x.clone() if x.shape[-1] == 128 else turn(x, cos, sin)


@planted(
    "partly", "pairs taken two at a time: the last of an odd number is left", check="sizes", **HALF
)
def pairs_two_at_a_time(x, cos, sin):
    out, half = turn(x, cos, sin), x.shape[-1] // 2
    return torch.where(torch.arange(x.shape[-1]) % half < half // 2 * 2, out, x)


@planted("partly", "a power of two without a mask", check="sizes", **HALF)
def a_power_of_two_of_pairs(x, cos, sin):
    out, half = turn(x, cos, sin), x.shape[-1] // 2
    block = 1 << (half.bit_length() - 1)
    return torch.where(torch.arange(x.shape[-1]) % half < block, out, x)


@planted("not-rotated", "a shortcut for a single token", check="sizes", **HALF)
def single_token(x, cos, sin):
    return x.clone() if x.shape[1] == 1 else turn(x, cos, sin)
