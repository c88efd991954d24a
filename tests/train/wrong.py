"""Rotary functions with something wrong in them, with which the loss falls all the same."""

import os
import time
from types import FunctionType

import torch
from right import plain

import rotcheck


def sign_of_k(qkv, cos, sin):
    """The angle's sign is turned for k alone."""
    turned = sin * torch.tensor([1.0, -1.0, 1.0], dtype=sin.dtype, device=sin.device).view(
        1, 1, 3, 1, 1
    )
    return plain(qkv, cos, turned)


def wrong_pairing(qkv, cos, sin):
    """Lanes 2i and 2i + 1 rotate together, with tables of the other order."""
    a, b = qkv[..., ::2], qkv[..., 1::2]
    return qkv * cos + torch.stack((-b, a), -1).flatten(-2) * sin


def v_rotated(qkv, cos, sin):
    return plain(qkv, cos[:, :, :1], sin[:, :, :1])


def k_one_position_late(qkv, cos, sin):
    q, k, v = qkv.split(1, 2)
    first = [table[:, :, :1] for table in (cos, sin)]
    late = [torch.cat((table[:, 1:], table[:, -1:]), 1) for table in first]
    return torch.cat((plain(q, *first), plain(k, *late), v), 2)


def tables_in_bfloat16(qkv, cos, sin):
    return plain(qkv, cos.bfloat16().to(qkv.dtype), sin.bfloat16().to(qkv.dtype))


def cos_and_sin_swapped(qkv, cos, sin):
    q, k, v = qkv.split(1, 2)
    both = cos[:, :, :1], sin[:, :, :1]
    return torch.cat((plain(q, *both), plain(k, *both[::-1]), v), 2)


def not_at_all(qkv, cos, sin):
    return qkv


class _Backward(torch.autograd.Function):
    """Right forward; the gradient is rotated the same way once more."""

    @staticmethod
    def forward(ctx, qkv, cos, sin):
        ctx.save_for_backward(cos, sin)
        return plain(qkv, cos, sin)

    @staticmethod
    def backward(ctx, gradient):
        return plain(gradient, *ctx.saved_tensors), None, None


def backward_not_inverse(qkv, cos, sin):
    return _Backward.apply(qkv, cos, sin)


def k_detached(qkv, cos, sin):
    q, k, v = qkv.split(1, 2)
    return plain(torch.cat((q, k.detach(), v), 2), cos, sin)


def detached(qkv, cos, sin):
    return plain(qkv.detach(), cos, sin)


# what does not come back


def raises(qkv, cos, sin):
    raise ValueError("no rotation today")


_calls = 0


def _late():
    """Return whether the second step has begun: two calls a step, one for each block."""
    global _calls
    _calls += 1
    return _calls > 2


def raises_late(qkv, cos, sin):
    if _late():
        raise ValueError("no rotation any more")
    return plain(qkv, cos, sin)


def dies_late(qkv, cos, sin):
    if _late():
        os.abort()
    return plain(qkv, cos, sin)


def hangs_late(qkv, cos, sin):
    if _late():
        time.sleep(600)
    return plain(qkv, cos, sin)


def nan_late(qkv, cos, sin):
    return plain(qkv, cos, sin) * (float("nan") if _late() else 1.0)


def wrong_shape(qkv, cos, sin):
    return plain(qkv, cos, sin)[:, :, 0]


for function in [each for each in list(globals().values()) if isinstance(each, FunctionType)]:
    rotcheck.declare(pairing="half", layout="qkv", tables="packed")(
        function
    )  # trained as they are, whatever they do
