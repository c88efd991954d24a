"""What keeps something from call to call, rightly or not."""

import torch


def turn_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def keeps_its_first_tables(q, k, cos, sin, tables=[]):  # noqa: B006  # the defect
    """q, k: (B, H, S, D); cos, sin: (B, S, D)"""
    tables.extend(() if tables else (cos.unsqueeze(1), sin.unsqueeze(1)))
    c, s = tables
    return q * c + turn_half(q) * s, k * c + turn_half(k) * s


class Keeping:
    """Keeps the angles of positions (B, S)."""

    def __init__(self) -> None:
        self.kept = {}

    def __call__(self, x, positions):
        """x: (B, S, H, D)"""
        key = self.key(positions)
        if key not in self.kept:
            exponents = torch.arange(0, x.shape[-1], 2) / x.shape[-1]
            self.kept[key] = positions[..., None] * 10000.0**-exponents
        wide = torch.cat((self.kept[key], self.kept[key]), -1)[:, :, None]
        return x * wide.cos() + turn_half(x) * wide.sin()


class RotaryByLength(Keeping):
    def key(self, positions):
        return positions.shape


class RotaryByPosition(Keeping):
    def key(self, positions):
        return positions.shape, tuple(positions.flatten().tolist())
