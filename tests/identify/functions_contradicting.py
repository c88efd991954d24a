"""Makers of tables that say something of their frequencies and do another,
each with its `healthy` sibling."""

import math

import torch
from torch import Tensor, nn


def plain(lanes: int, theta: float, step: float = 2.0) -> Tensor:
    return theta ** (-step * torch.arange(lanes // 2) / lanes)  # (P,)


class Maker(nn.Module):
    """Tables for positions (B, S) by the frequencies of an object."""

    frequencies: Tensor
    amplitude = 1.0

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        angles = position_ids[..., None].float() * self.frequencies  # (B, S, P)
        angles = torch.cat((angles, angles), -1)
        return (angles.cos() * self.amplitude).to(x.dtype), (angles.sin() * self.amplitude).to(
            x.dtype
        )


class Config:
    """What a model's configuration has."""

    head_dim, hidden_size, num_attention_heads = 96, 512, 8
    rope_theta = 500000.0
    partial_rotary_factor = 0.5

    def __init__(self) -> None:
        names = (
            "head_dim",
            "hidden_size",
            "num_attention_heads",
            "rope_theta",
            "partial_rotary_factor",
        )
        self.__dict__ |= {name: getattr(type(self), name) for name in names}


class Configured(Maker):
    def __init__(self) -> None:
        super().__init__()
        self.config = Config()
        self.frequencies = plain(48, self.config.rope_theta)


class ThetaOfItsOwn(Configured):
    def __init__(self) -> None:
        super().__init__()
        self.frequencies = plain(48, 10000.0)


class AllLanes(Configured):
    def __init__(self) -> None:
        super().__init__()
        self.frequencies = plain(96, self.config.rope_theta)


class WidthOfAllHeads(Configured):
    def __init__(self) -> None:
        super().__init__()
        self.frequencies = plain(32, self.config.rope_theta)


class WithABase(Maker):
    def __init__(self, base: float = 10000.0, step: float = 2.0) -> None:
        super().__init__()
        self.base = base
        self.frequencies = plain(64, base, step)


class HalfTheExponent(WithABase):
    def __init__(self) -> None:
        super().__init__(step=1.0)


class OddWidth(WithABase):
    """Healthy: 63 lanes, of which the last pair has one."""

    def __init__(self) -> None:
        super().__init__()
        self.frequencies = self.base ** (-torch.arange(0, 63, 2) / 63)


class ScaledBase(WithABase):
    """Healthy: its base is moved by a number that it says."""

    def __init__(self) -> None:
        super().__init__()
        self.ntk_alpha = 3.0
        self.frequencies = plain(64, self.base * self.ntk_alpha)


class Interpolated(Maker):
    def __init__(self) -> None:
        super().__init__()
        self.rope_type, self.scaling_factor, self.base = "linear", 4.0, 10000.0
        self.frequencies = plain(64, self.base) / self.scaling_factor


class NotInterpolated(Interpolated):
    def __init__(self) -> None:
        super().__init__()
        self.frequencies = plain(64, self.base)


class OfYarn(Maker):
    def __init__(self, original: int = 8192) -> None:
        super().__init__()
        self.rope_type, self.factor, self.base = "yarn", 4.0, 10000.0
        self.original_max_position_embeddings, self.max_position_embeddings = 8192, 32768
        bounds = [
            64 * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(self.base))
            for turns in (32, 1)
        ]
        low, high = math.floor(bounds[0]), math.ceil(bounds[1])
        slowed = ((torch.arange(32) - low) / (high - low)).clamp(0, 1)
        self.frequencies = plain(64, self.base) * (1 - slowed + slowed / self.factor)
        self.amplitude = 0.1 * math.log(self.factor) + 1


class OfYarnForTheLongest(OfYarn):
    def __init__(self) -> None:
        super().__init__(original=32768)


class ShortAndLong(Maker):
    def __init__(self, changes: int = 1024) -> None:
        super().__init__()
        self.base, self.changes = 10000.0, changes
        self.original_max_position_embeddings, self.max_position_embeddings = 1024, 8192
        self.short_factor = [1.0 + pair / 80 for pair in range(32)]
        self.long_factor = [1.0 + pair / 2 for pair in range(32)]
        self.amplitude = math.sqrt(1 + math.log(8) / math.log(1024))

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        factors = self.long_factor if int(position_ids.max()) >= self.changes else self.short_factor
        self.frequencies = plain(64, self.base) / torch.tensor(factors)
        return super().forward(x, position_ids)


class AlwaysShort(ShortAndLong):
    def __init__(self) -> None:
        super().__init__(changes=10**9)


def half_the_exponent(position_ids: Tensor, theta: float = 10000.0) -> Tensor:
    """Its default says another theta than its frequencies have."""
    angles = position_ids[..., None].float() * plain(64, theta, 1.0)  # (..., P)
    return torch.polar(torch.ones_like(angles), angles)


def as_its_default_says(position_ids: Tensor, theta: float = 20000.0) -> Tensor:
    angles = position_ids[..., None].float() * plain(64, theta)  # (..., P)
    return torch.polar(torch.ones_like(angles), angles)
