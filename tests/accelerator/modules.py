"""Rotary modules in the styles of the field, right and wrong:
those with tables of their own have 512 rows."""

import torch
from torch import Tensor, nn

ROWS = 512


def frequencies(dim: int) -> Tensor:
    return 10000.0 ** (-torch.arange(0, dim, 2).float() / dim)  # (dim / 2,)


def in_halves(x: Tensor, angle: Tensor) -> Tensor:
    cos, sin = angle.cos().repeat(1, 1, 1, 2), angle.sin().repeat(1, 1, 1, 2)  # (B, S, 1, D)
    a, b = x.float().chunk(2, -1)
    return (x.float() * cos + torch.cat((-b, a), -1) * sin).type_as(x)


class Llama(nn.Module):
    """cos and sin for positions."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.register_buffer("inv_freq", frequencies(dim), persistent=False)

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        angle = position_ids[:, :, None].float() * self.inv_freq
        both = torch.cat((angle, angle), -1)  # (B, S, D)
        return both.cos().to(x.dtype), both.sin().to(x.dtype)


class FromNumbers(nn.Module):
    """cos and sin for a number of rows on a device that it is told."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.register_buffer("inv_freq", frequencies(dim), persistent=False)

    def forward(self, seq_len: int, device: str) -> tuple[Tensor, Tensor]:
        # (S, D / 2)
        angle = torch.outer(torch.arange(seq_len, device=device).float(), self.inv_freq)
        return angle.cos(), angle.sin()


class Chunked(FromNumbers):
    """What comes back are the halves of one tensor: views with gaps."""

    def forward(self, seq_len: int, device: str) -> tuple[Tensor, ...]:
        return torch.cat(super().forward(seq_len, device), -1).chunk(2, -1)


def looked_up(q: Tensor, cos: Tensor, sin: Tensor, position_ids: Tensor) -> Tensor:
    """Tables (S, D) that positions (B, S) look up, as transformers had it;
    its result is a view with gaps."""
    a, b = q.chunk(2, -1)  # (B, H, S, D / 2)
    turned = q * cos[position_ids][:, None] + torch.cat((-b, a), -1) * sin[position_ids][:, None]
    return torch.cat((turned, q), -1)[..., : q.shape[-1]]


class Complex(nn.Module):
    """Meta's: q and k times complex numbers from a position on."""

    def __init__(self, head_dim: int = 64, max_seq_len: int = ROWS) -> None:
        super().__init__()
        angle = torch.outer(torch.arange(max_seq_len).float(), frequencies(head_dim))  # (S, D / 2)
        self.register_buffer(
            "freqs_cis", torch.polar(torch.ones_like(angle), angle), persistent=False
        )

    def forward(self, xq: Tensor, xk: Tensor, start_pos: int = 0) -> tuple[Tensor, Tensor]:
        turn = self.freqs_cis[start_pos : start_pos + xq.shape[1], None]  # (S, 1, D / 2)

        def turned(x: Tensor) -> Tensor:
            pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
            return torch.view_as_real(pairs * turn).flatten(3).type_as(x)

        return turned(xq), turned(xk)


class Indexed(nn.Module):
    """torchtune's: a table that positions look up."""

    def __init__(self, dim: int = 64, max_seq_len: int = ROWS) -> None:
        super().__init__()
        angle = torch.outer(torch.arange(max_seq_len).float(), frequencies(dim))  # (S, D / 2)
        self.register_buffer("cache", torch.stack((angle.cos(), angle.sin()), -1), persistent=False)

    def forward(self, x: Tensor, input_pos: Tensor) -> Tensor:
        cos, sin = self.cache[self.rows(input_pos)][:, :, None].unbind(-1)  # (B, S, 1, D / 2)
        a, b = x.float().unflatten(-1, (-1, 2)).unbind(-1)  # (B, S, H, D / 2)
        return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(3).type_as(x)

    def rows(self, positions: Tensor) -> Tensor:
        return positions


class Counting(nn.Module):
    """A table that is looked up by the rows' own numbers."""

    def __init__(self, dim: int = 64, max_seq_len: int = ROWS) -> None:
        super().__init__()
        angle = torch.outer(torch.arange(max_seq_len).float(), frequencies(dim))  # (S, D / 2)
        self.register_buffer("angle", angle, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.arange(x.shape[1], device=x.device)  # (S,)
        return in_halves(x, self.angle[rows][None, :, None])


class Clamped(Indexed):
    """Wrong: past the end it takes the last row."""

    def rows(self, positions: Tensor) -> Tensor:
        return positions.clamp(max=len(self.cache) - 1)


class OneRowOff(Indexed):
    """Wrong: position 0 is turned as position 1 should be."""

    def rows(self, positions: Tensor) -> Tensor:
        return positions + 1


class Plain:
    """No module that could be moved: it is told on which device its table is."""

    def __init__(self, dim: int = 64, max_len: int = ROWS, device: str | None = None) -> None:
        # (S, D / 2)
        angle = torch.outer(torch.arange(max_len).float(), frequencies(dim)).to(device)
        self.cos, self.sin = angle.cos(), angle.sin()

    def __call__(self, x: Tensor, positions: Tensor) -> Tensor:
        # (B, S, 1, D / 2)
        cos, sin = self.cos[positions][:, :, None], self.sin[positions][:, :, None]
        a, b = x.float().chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).type_as(x)


class Turning(nn.Module):
    """A method of a module."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.register_buffer("inv_freq", frequencies(dim), persistent=False)

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        return in_halves(x, (positions[..., None].float() * self.inv_freq)[:, :, None])


class Inverse(Turning):
    """Wrong: adds sin times the other lane to both lanes of a pair."""

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        angle = (positions[..., None].float() * self.inv_freq)[:, :, None]
        cos, sin = angle.cos().repeat(1, 1, 1, 2), angle.sin().repeat(1, 1, 1, 2)
        return (x.float() * cos + x.float().roll(x.shape[-1] // 2, -1) * sin).type_as(x)


class Narrow(Turning):
    """Wrong: its positions are rounded to bfloat16."""

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        return super().rotate(x, positions.bfloat16())


class LeftBehind(nn.Module):
    """Right on the CPU: the table is no buffer, and stays there."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.inv_freq = frequencies(dim)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        return in_halves(x, (positions[..., None].float() * self.inv_freq)[:, :, None])
