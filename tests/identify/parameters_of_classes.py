"""Classes whose numbers have an effect, or none."""

import math

import torch
from torch import nn


def _tables(inv_freq, position_ids, scale=1.0):
    angles = position_ids[..., None].float() * inv_freq
    angles = torch.cat((angles, angles), -1)
    return angles.cos() * scale, angles.sin() * scale


def _frequencies(lanes, theta=10000.0):
    return theta ** (-torch.arange(0, lanes, 2).float() / lanes)


class PartialRotary(nn.Module):
    """Heeds its share."""

    def __init__(self, head_dim=64, partial_rotary_factor=0.5):
        super().__init__()
        self.inv_freq = _frequencies(int(head_dim * partial_rotary_factor))

    def forward(self, x, position_ids):
        return _tables(self.inv_freq, position_ids)


class WholeRotary(nn.Module):
    """Has a share, and turns all lanes."""

    def __init__(self, head_dim=64, partial_rotary_factor=0.5):
        super().__init__()
        self.inv_freq = _frequencies(head_dim)

    def forward(self, x, position_ids):
        return _tables(self.inv_freq, position_ids)


class LinearRotary(WholeRotary):
    """Divides positions by its factor, which is 1."""

    def __init__(self, head_dim=64, scaling_factor=1.0):
        super().__init__(head_dim)
        self.scaling_factor = scaling_factor

    def forward(self, x, position_ids):
        return _tables(self.inv_freq / self.scaling_factor, position_ids)


class UnscaledRotary(WholeRotary):
    """Keeps its factor and never reads it."""

    def __init__(self, head_dim=64, scaling_factor=4.0):
        super().__init__(head_dim)
        self.scaling_factor = scaling_factor


class ChosenRotary(WholeRotary):
    """Scales where its kind says so."""

    def __init__(self, head_dim=64, scaling_factor=4.0, rope_type="default"):
        super().__init__(head_dim)
        self.scaled = scaling_factor if rope_type == "linear" else 1.0

    def forward(self, x, position_ids):
        return _tables(self.inv_freq / self.scaled, position_ids)


class AmplifiedRotary(WholeRotary):
    """Has an amplitude that nothing but a factor above 1 shows."""

    def __init__(self, head_dim=64, factor=1.0, mscale=1.0):
        super().__init__(head_dim)
        self.factor = factor
        self.amplitude = 0.1 * mscale * math.log(factor) + 1.0

    def forward(self, x, position_ids):
        return _tables(self.inv_freq / self.factor, position_ids, self.amplitude)


class OtherBase(WholeRotary):
    """Has the base of something that it does not do."""

    def __init__(self, head_dim=64, xpos_scale_base=512):
        super().__init__(head_dim)


class FixedTheta(WholeRotary):
    """Takes a base and turns by another."""

    def __init__(self, head_dim=64, rope_theta=10000.0):
        super().__init__(head_dim)


class RotaryOfAmplitude(nn.Module):
    """Rotates, and scales q by what it keeps, in frequencies that nobody knows."""

    def __init__(self, head_dim=64):
        super().__init__()
        self.scale = 1.19
        self.inv_freq = _frequencies(head_dim) / (1 + 0.05 * torch.arange(head_dim // 2)) ** 2

    def forward(self, x, offset=0):
        """x: (batch, heads, length, head_dim)"""
        cos, sin = _tables(self.inv_freq, torch.arange(offset, offset + x.shape[-2]), self.scale)
        first, second = x.chunk(2, -1)
        return x * cos + torch.cat((-second, first), -1) * sin


class Config:
    """A configuration of class attributes."""

    head_dim = 64
    rope_theta = 10000.0
    rope_scaling = {"rope_type": "linear", "factor": 4.0}  # noqa: RUF012 - as such files have it


class ConfiguredRotary(WholeRotary):
    """Scales by another factor than its configuration says."""

    def __init__(self, config=None):
        self.config = config or Config()
        super().__init__(self.config.head_dim)
        self.inv_freq = self.inv_freq / 8


def rotary_of_head(x, positions, rotary_dim=32):
    """Pairs lanes across the whole head, where the first rotary_dim lanes are meant.

    x: (tokens, heads, head_dim), positions: (tokens,)
    """
    pairs, half = rotary_dim // 2, x.shape[-1] // 2
    angles = positions.float()[:, None, None] * _frequencies(rotary_dim)
    first, second = x[..., :pairs], x[..., half : half + pairs]
    out = x.clone()
    out[..., :pairs] = first * angles.cos() - second * angles.sin()
    out[..., half : half + pairs] = second * angles.cos() + first * angles.sin()
    return out


def rerotate_keys(keys, positions, kept_positions):
    """keys: (batch, heads, length, head_dim), rotated at kept_positions;
    moves them to positions."""
    cos, sin = _tables(_frequencies(keys.shape[-1]), positions - kept_positions - 1)
    first, second = keys.chunk(2, -1)
    return keys * cos + torch.cat((-second, first), -1) * sin


def apply_rotary(x, cos, sin, is_neox_style):
    """x: (tokens, heads, head_dim), cos, sin: (tokens, head_dim // 2)"""
    cos, sin = cos.unsqueeze(-2), sin.unsqueeze(-2)
    first, second = x.chunk(2, -1) if is_neox_style else (x[..., ::2], x[..., 1::2])
    turned = first * cos - second * sin, second * cos + first * sin
    return torch.cat(turned, -1) if is_neox_style else torch.stack(turned, -1).flatten(-2)
