"""Makers of tables with one slip, each beside its healthy twin."""

import math

import torch
from torch import Tensor, nn

THETA = 10000.0


def frequencies(width: int, theta: float = THETA, first: float = 0.0) -> Tensor:
    return theta ** (-(torch.arange(0, width, 2, dtype=torch.float64) + first) / width)


def both(angle: Tensor) -> tuple[Tensor, Tensor]:
    return angle.cos().float(), angle.sin().float()


def heeds_its_offset(dim, seq_len, offset=0):
    return both(torch.outer(torch.arange(offset, offset + seq_len).double(), frequencies(dim)))


def cached_from_an_offset(t, seq_len=None, offset=0, dim=64):
    """t: the positions, whatever the offset is: that is where a cache begins."""
    angles = torch.outer(t.float(), 10000.0 ** (-torch.arange(0, dim, 2).float() / dim))
    return torch.cat((angles, angles), -1)


def forgets_its_offset(dim, seq_len, offset=0):
    return both(torch.outer(torch.arange(seq_len).double(), frequencies(dim)))


def behind_a_cache(past_len, num_tokens, dim=64):
    return both(
        torch.outer(torch.arange(past_len, past_len + num_tokens).double(), frequencies(dim))
    )


def one_late_behind_a_cache(past_len, num_tokens, dim=64):
    return behind_a_cache(past_len + 1, num_tokens, dim)


def kept_in_bfloat16(dim, end):
    cos, sin = both(torch.outer(torch.arange(end).double(), frequencies(dim)))
    return cos.bfloat16().float(), sin.bfloat16().float()


def returned_in_bfloat16(dim, end):
    cos, sin = both(torch.outer(torch.arange(end).double(), frequencies(dim)))
    return cos.bfloat16(), sin.bfloat16()


def cut_from_its_offset(dim, end, start_pos=0):
    return both(torch.outer(torch.arange(start_pos, end).double(), frequencies(dim)))


def half_a_step_late(dim, end):
    return both(torch.outer(torch.arange(end).double(), frequencies(dim, first=1.0)))


def with_a_theta_of_its_own(dim, end):
    return both(torch.outer(torch.arange(end).double(), frequencies(dim, 15505.158)))


def in_rows_of_cos_and_sin(dim, end):
    cos, sin = both(torch.outer(torch.arange(end).double(), frequencies(dim)))
    return torch.stack((cos, sin), 1)  # (S, 2, D / 2)


def in_pairs_of_sin_and_cos(dim, end):
    cos, sin = both(torch.outer(torch.arange(end).double(), frequencies(dim)))
    return torch.stack((sin, cos), -1)  # (S, D / 2, 2)


class OfPoints(nn.Module):
    """x lends its dtype alone: position_ids are (N, 2), or (N, 3)."""

    def __init__(self, head_dim: int = 48) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.register_buffer("inv_freq", frequencies(head_dim // self.coordinates).float())

    coordinates = 2

    def forward(self, x, position_ids):
        angle = (position_ids[..., None].float() * self.inv_freq).flatten(1)
        both_halves = torch.cat((angle, angle), -1)
        return both_halves.cos().to(x.dtype), both_halves.sin().to(x.dtype)


class OfPointsInAFilm(OfPoints):
    coordinates = 3


class OfPointsWithTime(nn.Module):
    """ids (N, 4): it takes as many coordinates as it has lanes for, and no fewer."""

    def __init__(self, axes_dim: tuple[int, ...] = (8, 8, 16, 16)) -> None:
        super().__init__()
        self.axes_dim = axes_dim

    def forward(self, ids):
        angles = [
            ids[:, at, None].double() * frequencies(lanes, 2000.0)
            for at, lanes in enumerate(self.axes_dim)
        ]
        return both(torch.cat(angles, -1))


class OfPointsWithTimeTwice(OfPointsWithTime):
    """Its last coordinate turns nothing: the pairs that are its own turn with the first."""

    def forward(self, ids):
        return super().forward(ids[:, [0, 1, 2, 0]])


class OfPointsInBlocks(OfPoints):
    """Height twice, then width twice, and points of (B, N, 2)."""

    def forward(self, x, position_ids):
        angle = position_ids[..., None].float() * self.inv_freq
        height, width = angle.unbind(-2)
        lanes = torch.cat((height, height, width, width), -1)
        return lanes.cos(), lanes.sin()


class OfSectionsDealtInTurn(nn.Module):
    """position_ids (3, B, S), of which the last is turned as far as 3 * 131071
    by a frequency near 1."""

    slower = 1.0  # of the pairs that turn with width
    last = 2**19  # position of width

    def __init__(self, head_dim: int = 256, mrope_section: tuple[int, ...] = (11, 11, 10)) -> None:
        super().__init__()
        self.mrope_section = mrope_section
        self.register_buffer("inv_freq", frequencies(head_dim).float())

    def forward(self, x, position_ids):
        time, height, width = position_ids[..., None].float()
        time, height = time * self.inv_freq, height * self.inv_freq
        width = self.slower * width.clamp(max=self.last) * self.inv_freq
        for axis, part in enumerate((height, width), 1):
            dealt = slice(axis, 3 * self.mrope_section[axis], 3)
            time[..., dealt] = part[..., dealt]
        return tuple(torch.cat((table, table), -1).to(x.dtype) for table in both(time))


class OfSectionsOneALittleSlow(OfSectionsDealtInTurn):
    slower = 1 - 1e-4


class OfSectionsOfATableTooShort(OfSectionsDealtInTurn):
    last = 2**17


class OfEachRow(nn.Module):
    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.register_buffer("inv_freq", frequencies(dim).float())

    def forward(self, position_ids):
        angle = position_ids[..., None].float() * self.inv_freq
        return angle.cos(), angle.sin()


class OfTheFirstRow(OfEachRow):
    def forward(self, position_ids):
        cos, sin = super().forward(position_ids[:1])
        return cos.expand(len(position_ids), -1, -1), sin.expand(len(position_ids), -1, -1)


class CountedFromOneOverAGrid(nn.Module):
    """Rows and columns from 1 on, by design: nothing stands at the origin."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        at = torch.arange(1, 17).double()
        rows = torch.outer(at, frequencies(dim // 2))[:, None].expand(-1, 16, -1)
        columns = torch.outer(at, frequencies(dim // 2))[None].expand(16, -1, -1)
        self.angles = torch.cat((rows, columns), -1).flatten(0, 1)

    def forward(self, x):
        return both(self.angles)


def slowed_as_yarn(width: int, factor: float = 16.0, length: int = 4096) -> Tensor:
    def pair(turns: float) -> float:
        return width * math.log(length / (turns * 2 * math.pi)) / (2 * math.log(THETA))

    low, high = max(math.floor(pair(32)), 0), min(math.ceil(pair(1)), width - 1)
    ramp = ((torch.arange(width // 2).double() - low) / (high - low)).clamp(0, 1)
    plain = frequencies(width)
    return plain / factor * ramp + plain * (1 - ramp)


class YarnWithoutItsAmplitude(OfEachRow):
    """Perhaps it was lost, and perhaps the scores are scaled elsewhere."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__(dim)
        self.inv_freq = slowed_as_yarn(dim).float()


class YarnAsDeepSeekHasIt(YarnWithoutItsAmplitude):
    """mscale and mscale_all_dim are the same: 1 is what its configuration asks for."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__(dim)
        self.rope_scaling = {
            "rope_type": "yarn",
            "factor": 16.0,
            "original_max_position_embeddings": 4096,
            "mscale": 1.0,
            "mscale_all_dim": 1.0,
        }


def rotates_as_yarn(x, position_ids):
    """(B, H, S, D), scaled by 0.1 ln 16 + 1."""
    angle = (position_ids[..., None].double() * slowed_as_yarn(x.shape[-1])).unsqueeze(1)
    factor = 0.1 * math.log(16) + 1
    cos, sin = (
        torch.cat((one, one), -1).to(x.dtype) * factor for one in (angle.cos(), angle.sin())
    )
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class OfTwoKindsOfLayers(nn.Module):
    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.register_buffer("sliding_attention_inv_freq", frequencies(dim).float())
        self.register_buffer("full_attention_inv_freq", frequencies(dim, 1e6).float())

    def forward(self, x, position_ids, layer_type):
        angle = position_ids[..., None].float() * getattr(self, f"{layer_type}_inv_freq")
        return angle.cos(), angle.sin()


class NearlyPlain(OfEachRow):
    """Its frequencies are up to 0.8 % off those of theta 10000, each by another part of it."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__(dim)
        self.inv_freq = 1.004 * frequencies(dim).bfloat16().float()


class FromOneTooFar(nn.Module):
    """Rows from an offset on begin one behind it."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.angles = torch.outer(torch.arange(8192).double(), frequencies(dim))

    def forward(self, seq_len, start_pos=0):
        first = start_pos + (1 if start_pos else 0)
        return both(self.angles[first : first + seq_len])


class KeepsTheFirstOffset(FromOneTooFar):
    """What it keeps for a length is given back for another offset."""

    def forward(self, seq_len, start_pos=0):
        if getattr(self, "length", None) != seq_len:
            self.length, self.kept = seq_len, both(self.angles[start_pos : start_pos + seq_len])
        return self.kept


class GivenPositionsAndAnOffset(nn.Module):
    """Healthy: the offset tells where its table begins, of which positions have no need."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.inv_freq = frequencies(dim).float()

    def forward(self, positions, offset=0):
        return both(positions[..., None].double() * self.inv_freq)


class OfAnImage(nn.Module):
    """A row for each patch of 2 x 2, row after row."""

    patch_size = 2

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.inv_freq = frequencies(dim // 2)

    def places(self, rows, columns):
        at = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        return [one.flatten()[:, None].double() for one in at]

    def forward(self, hidden_states):
        *_, height, width = hidden_states.shape
        row, column = self.places(height // self.patch_size, width // self.patch_size)
        return both(torch.cat((row * self.inv_freq, column * self.inv_freq), -1))


class OfAnImageColumnByColumn(OfAnImage):
    """Perhaps by design: what it is given is laid out so elsewhere."""

    def places(self, rows, columns):
        column, row = super().places(columns, rows)
        return row, column


class OfAnImageScaled(OfAnImage):
    """Places follow the size of the image."""

    def places(self, rows, columns):
        row, column = super().places(rows, columns)
        return row / rows, column / columns


class OfAnImageRounded(OfAnImage):
    """Rows turn by rounded frequencies."""

    def forward(self, hidden_states):
        *_, height, width = hidden_states.shape
        row, column = self.places(height // self.patch_size, width // self.patch_size)
        rounded = self.inv_freq.bfloat16().double() * 1.004
        return both(torch.cat((row * rounded, column * self.inv_freq), -1))


class OfAFilm(nn.Module):
    def __init__(self, axes_dim=(16, 24, 24), theta: float = 256.0) -> None:
        super().__init__()
        self.axes_dim, self.theta = axes_dim, theta

    def forward(self, hidden_states):
        sizes = hidden_states.shape[-3:]
        places = torch.meshgrid(*map(torch.arange, sizes), indexing="ij")
        angles = [
            at.flatten()[:, None] * frequencies(d, self.theta)
            for at, d in zip(places, self.axes_dim)
        ]
        return both(torch.cat(angles, -1)[:, None])


def of_a_grid_without_columns(grid_h, grid_w):
    row = torch.arange(grid_h).double()[:, None].expand(grid_h, grid_w).reshape(-1, 1)
    return both(torch.cat((row * frequencies(32), row * frequencies(32)), -1))


def over_a_grid(rows: Tensor, columns: Tensor, bands: Tensor) -> tuple[Tensor, Tensor]:
    """Angles of places along both sides of a grid, those of a row in front."""
    high, wide = len(rows), len(columns)
    down = torch.outer(rows.double(), bands)[:, None].expand(high, wide, -1)
    across = torch.outer(columns.double(), bands)[None].expand(high, wide, -1)
    return both(torch.cat((down, across), -1).flatten(0, 1))


def of_a_grid(dim, grid_h, grid_w, theta=100.0):
    return over_a_grid(torch.arange(grid_h), torch.arange(grid_w), frequencies(dim // 2, theta))


def of_a_grid_half_a_step_late(dim, grid_h, grid_w):
    return over_a_grid(
        torch.arange(grid_h), torch.arange(grid_w), frequencies(dim // 2, 100.0, 1.0)
    )


def of_pixels(dim, grid_h, grid_w, max_freq=10):
    bands = torch.linspace(1, max_freq / 2, dim // 4).double() * math.pi
    return over_a_grid(torch.linspace(-1, 1, grid_h), torch.linspace(-1, 1, grid_w), bands)


def of_pixels_without_pi(dim, grid_h, grid_w, max_freq=10):
    bands = torch.linspace(1, max_freq / 2, dim // 4).double()
    return over_a_grid(torch.linspace(-1, 1, grid_h), torch.linspace(-1, 1, grid_w), bands)


def turned_by(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.double().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


def turns_a_grid(x, grid_h, grid_w):
    """x: (B, H, S, D)."""
    return turned_by(x, *of_a_grid(x.shape[-1], grid_h, grid_w))


def turns_a_grid_half_a_step_late(x, grid_h, grid_w):
    """x: (B, H, S, D)."""
    return turned_by(x, *of_a_grid_half_a_step_late(x.shape[-1], grid_h, grid_w))


class WithABaseForXpos(nn.Module):
    def __init__(self, dim=64, xpos_scale_base=512, use_xpos=False):
        super().__init__()
        self.inv_freq = frequencies(dim)

    def forward(self, positions):
        return both(positions.double()[..., None] * self.inv_freq)
