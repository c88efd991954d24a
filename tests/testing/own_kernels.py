"""Rotary functions of a kernel author, healthy ones and planted ones,
in the form f(q, k, cos, sin)."""

import torch

import rotcheck


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def healthy(q, k, cos, sin):
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


def interleaved(q, k, cos, sin):
    def turned(x):
        return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)

    return q * cos + turned(q) * sin, k * cos + turned(k) * sin


def conjugate(q, k, cos, sin):
    return healthy(q, k, cos, -sin)


@rotcheck.declare(
    pairing="half",
    layout="bhsd",
    tables="repeated",
    table_axes="1sw",
    arguments=("q", "k", "cos", "sin"),
)
def declared_and_conjugate(q, k, cos, sin):
    return healthy(q, k, cos, -sin)


def wrong_rows(q, k, cos, sin):
    """Two rows of one head of q are a hundredth too large."""
    q, k = healthy(q, k, cos, sin)
    factor = torch.ones_like(q)
    factor[:, 3:5, 2] = 1.01
    return q * factor, k


def twice(q, k, cos, sin):
    return healthy(*healthy(q, k, cos, sin), cos, sin)


def refuses_bfloat16(q, k, cos, sin):
    if q.dtype == torch.bfloat16:
        raise ValueError("float32 only")
    return healthy(q, k, cos, sin)


def two_faults(q, k, cos, sin):
    """Keeps k's gradient to itself, and seeds."""
    torch.manual_seed(0)
    return healthy(q, k.detach(), cos, sin)


def seeds(q, k, cos, sin):
    torch.manual_seed(0)
    return healthy(q, k, cos, sin)


def builds(dim, end, theta=10000.0):
    angles = torch.outer(torch.arange(end), theta ** (-torch.arange(0, dim, 2) / dim))
    return angles.cos(), angles.sin()


def no_rotation(a, b):
    raise RuntimeError("out of order")


class Module(torch.nn.Module):
    def forward(self, q, k, cos, sin):
        return healthy(q, k, cos, sin)
