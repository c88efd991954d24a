"""Rotary functions with flags, right and wrong."""

import ctypes

import torch
from torch import Tensor, nn


def _rotated(x: Tensor, cos: Tensor, sin: Tensor, interleaved: bool) -> Tensor:
    a, b = (x[..., ::2], x[..., 1::2]) if interleaved else x.chunk(2, -1)
    pair = a * cos - b * sin, b * cos + a * sin
    return torch.stack(pair, -1).flatten(-2) if interleaved else torch.cat(pair, -1)


def paired_either_way(x, cos, sin, interleaved=False):
    return _rotated(x, cos[None, :, None], sin[None, :, None], interleaved)


def must_say_neox(x, cos, sin, is_neox_style: bool):
    return _rotated(x, cos[None, :, None], sin[None, :, None], not is_neox_style)


def back_or_forth(x, cos, sin, conj=False):
    return _rotated(
        x, cos[None, :, None], -sin[None, :, None] if conj else sin[None, :, None], True
    )


def in_any_layout(x, angles, conj=False, interleaved=False):
    """angles (..., D/2) that line up with x: for every batch row its own, or for all the same."""
    return _rotated(x, angles.cos(), -angles.sin() if conj else angles.sin(), interleaved)


def where_it_stands(x, cos, sin, inplace=False):
    new = _rotated(x, cos[None, :, None], sin[None, :, None], False)
    return x.copy_(new) if inplace else new


def complex_or_pairs(x, freqs_cis, use_real=True):
    """x (B, H, S, D); freqs_cis: cos and sin (S, D), each value twice, or complex (S, D/2)."""
    if use_real:
        cos, sin = freqs_cis
        turned = torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
        return (x * cos + turned * sin).to(x.dtype)
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * freqs_cis).flatten(-2).type_as(x)


def with_dropout(x, cos, sin, training=False):
    return torch.dropout(_rotated(x, cos[None, :, None], sin[None, :, None], False), 0.5, training)


def refuses(x, cos, sin, interleaved=False):
    if interleaved:
        raise NotImplementedError("only halves")
    return _rotated(x, cos[None, :, None], sin[None, :, None], False)


def along_either_axis(x, cos, sin, seq_dim=1):
    rows = (None, slice(None), None) if seq_dim == 1 else (None, None)
    return _rotated(x, cos[rows], sin[rows], False)


def wrong_along_the_other(x, cos, sin, seq_dim=1):
    return along_either_axis(x, cos, sin if seq_dim == 1 else cos, seq_dim)


def wrong_when_inverse(x, cos, sin, inverse=False):
    return _rotated(x, (-cos if inverse else cos)[None, :, None], sin[None, :, None], False)


def never_turns_back(x, cos, sin, inverse=False):
    return _rotated(x, cos[None, :, None], sin[None, :, None], False)


def ignores(x, cos, sin, interleaved=False):
    return _rotated(x, cos[None, :, None], sin[None, :, None], False)


def crashes_when_fused(x, cos, sin, interleaved=False, use_fused=False, conj=False):
    if use_fused:
        ctypes.string_at(0)
    return (
        back_or_forth(x, cos, sin, conj)
        if interleaved
        else _rotated(
            x, cos[None, :, None], -sin[None, :, None] if conj else sin[None, :, None], False
        )
    )


def of_many_flags(x, cos, sin, use_cache=False, verbose=False, interleaved=False):
    return paired_either_way(x, cos, sin)


@torch.jit.script
def scripted(x: Tensor, cos: Tensor, sin: Tensor, interleaved: bool = False) -> Tensor:
    cos, sin = cos[None, :, None], sin[None, :, None]
    if interleaved:
        a, b = x[..., ::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def of_no_flag(x, cos, sin, scale=None, dim=-1):
    return _rotated(x, cos[None, :, None], sin[None, :, None], False)


def wrong_when_interleaved(x, cos, sin, interleaved=False):
    cos, sin = cos[None, :, None], sin[None, :, None]
    if interleaved:
        a, b = x[..., ::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, b * cos - a * sin), -1).flatten(-2)
    return _rotated(x, cos, sin, False)


def tables_of_halves_alone(x, cos, sin, interleaved=False):
    """As flash-attn had it once, and its copies have it still: cat(cos, cos) for both pairings."""
    cos, sin = cos.repeat(1, 2)[None, :, None], sin.repeat(1, 2)[None, :, None]
    a, b = (x[..., ::2], x[..., 1::2]) if interleaved else x.chunk(2, -1)
    turned = torch.stack((-b, a), -1).flatten(-2) if interleaved else torch.cat((-b, a), -1)
    return x * cos + turned * sin


def wrong_in_place(x, cos, sin, inplace=False):
    cos, sin = cos[None, :, None], sin[None, :, None]
    if not inplace:
        return _rotated(x, cos, sin, False)
    a, b = x.chunk(2, -1)
    a.copy_(a * cos - b * sin)
    b.copy_(b * cos + a * sin)
    return x


class Built(nn.Module):
    def __init__(self, dim, interleaved=False):
        super().__init__()
        self.interleaved = interleaved
        self.inv_freq = 10000.0 ** (-torch.arange(0, dim, 2).float() / dim)

    def forward(self, x):
        angle = torch.outer(torch.arange(x.shape[1]).float(), self.inv_freq)[None, :, None]
        return _rotated(x, angle.cos(), angle.sin(), self.interleaved)


class NotToBeBuiltInterleaved(Built):
    def __init__(self, dim, interleaved=False):
        if interleaved:
            raise NotImplementedError("halves alone")
        super().__init__(dim)


class MustSayNeox:
    def __init__(self, head_size, is_neox_style):
        self.interleaved = not is_neox_style
        self.inv_freq = 10000.0 ** (-torch.arange(0, head_size, 2).float() / head_size)

    def rotate(self, positions, x):
        angle = (positions[..., None].float() * self.inv_freq)[:, :, None]
        return _rotated(x, angle.cos(), angle.sin(), self.interleaved)


class WrongWhenInterleaved(Built):
    def forward(self, x):
        angle = torch.outer(torch.arange(x.shape[1]).float(), self.inv_freq)[None, :, None]
        if self.interleaved:
            a, b = x[..., ::2], x[..., 1::2]
            pair = a * angle.cos() - b * angle.sin(), b * angle.cos() - a * angle.sin()
            return torch.stack(pair, -1).flatten(-2)
        return _rotated(x, angle.cos(), angle.sin(), False)


def _angles(dim, end, rounded=False):
    inv_freq = 10000.0 ** (-torch.arange(0, dim, 2).float() / dim)
    return torch.outer(torch.arange(end).float(), inv_freq.half().float() if rounded else inv_freq)


def precompute_in_any_form(dim, end, use_complex=False, interleaved=False, return_mean=False):
    angle = _angles(dim, end)
    if return_mean:
        return angle.mean()
    if use_complex:
        return torch.polar(torch.ones_like(angle), angle)
    twice = angle.repeat_interleave(2, -1) if interleaved else angle.repeat(1, 2)
    return twice.cos(), twice.sin()


def precompute_rounded_when_interleaved(dim, end, interleaved=False):
    angle = _angles(dim, end, rounded=interleaved)
    twice = angle.repeat_interleave(2, -1) if interleaved else angle.repeat(1, 2)
    return twice.cos(), twice.sin()
