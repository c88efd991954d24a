"""Rotations of forms that SEDD does not have, undeclared,
with something wrong in them that lets the loss fall."""

import torch


def _halves(x, cos, sin):
    assert cos.dim() == 2, "(S, D/2)"
    a, b = x.chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]  # (S, 1, D/2) each
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def key_without_gradient(q, k, cos, sin):
    """Right forward."""
    return _halves(q, cos, sin), _halves(k.detach(), cos, sin)


def key_one_row_late(q, k, cos, sin):
    late = [torch.cat((table[1:], table[-1:])) for table in (cos, sin)]
    return _halves(q, cos, sin), _halves(k, *late)


def raises_in_its_gradient(q, k, cos, sin):
    return _Raising.apply(_halves(q, cos, sin)), _halves(k, cos, sin)


class _Raising(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise NotImplementedError("no gradient yet")
