"""Right rotary functions whose arithmetic differs: none of them may be called wrong."""

import torch


def plain(qkv, cos, sin):
    a, b = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-b, a), -1) * sin


def rounds_once(qkv, cos, sin):
    return plain(qkv.double(), cos.double(), sin.double()).to(qkv.dtype)


def in_float32(qkv, cos, sin):
    return plain(qkv.float(), cos.float(), sin.float()).to(qkv.dtype)


def half_by_half(qkv, cos, sin):
    """Another order of the operations, with fused multiply and add."""
    half = qkv.shape[-1] // 2
    a, b = qkv.split(half, -1)
    cos, sin = cos[..., :half], sin[..., :half]
    return torch.cat((torch.addcmul(a * cos, b, -sin), torch.addcmul(a * sin, b, cos)), -1)


def complex_numbers(qkv, cos, sin):
    half = qkv.shape[-1] // 2
    a, b = qkv.float().split(half, -1)
    turned = torch.complex(a, b) * torch.complex(cos[..., :half].float(), sin[..., :half].float())
    return torch.cat((turned.real, turned.imag), -1).to(qkv.dtype)
