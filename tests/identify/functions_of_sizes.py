"""What is told sizes, or reads them off a tensor, a constant or the machine;
each beside a neighbour that is not."""

import torch
from torch import Tensor, nn

HEAD_DIM = 80
hd, channels, features = 8, 6, 1024


def turn_half(x: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat((-second, first), -1)


def as_neighbours(x: Tensor, angle: Tensor) -> Tensor:
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack(
        (a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()), -1
    ).flatten(-2)


def angles(rows: Tensor, width: int) -> Tensor:
    return torch.outer(rows.float(), 10000.0 ** (-torch.arange(0, width, 2).float() / width))


def told_rows(q, k, cos, sin, q_len, position_ids, unsqueeze_dim=1):
    cos, sin = (
        cos[position_ids].unsqueeze(unsqueeze_dim),
        sin[position_ids].unsqueeze(unsqueeze_dim),
    )
    of_q = q * cos[:, :, -q_len:] + turn_half(q) * sin[:, :, -q_len:]
    return of_q, k * cos + turn_half(k) * sin


def told_rows_of_both(cos, sin, query_states, key_states, query_length, key_length):
    """Raises for a length that is none of its rows."""
    of_q = query_states * cos[:query_length] + turn_half(query_states) * sin[:query_length]
    of_k = key_states * cos[:key_length] + turn_half(key_states) * sin[:key_length]
    return of_q.reshape(*query_states.shape[:2], query_length, -1), of_k


def told_no_rows(q_states, k_states, cos, sin, position_ids):
    cos, sin = cos[position_ids].unsqueeze(1), sin[position_ids].unsqueeze(1)
    return q_states * cos + turn_half(q_states) * sin, k_states * cos + turn_half(k_states) * sin


def of_short_heads(x, positions, inverse=False):
    angle = angles(positions, hd) * (-1 if inverse else 1)
    return as_neighbours(x, angle[None, :, None])


def of_fixed_heads(x, positions):
    return as_neighbours(x, angles(positions, HEAD_DIM)[None, :, None])


def of_any_heads(x, positions):
    """Reads constants that are no width of its heads."""
    assert x.shape[-1] not in (channels, features)
    return as_neighbours(x, angles(positions, x.shape[-1])[None, :, None])


def tables_of_rows(x):
    length, width = x.shape
    angle = angles(torch.arange(length), 2 * width)
    return angle.sin(), angle.cos()


def tables_of_batches(x):
    _, length, width = x.shape
    angle = angles(torch.arange(length), width)
    return torch.cat((angle, angle), -1)


def tables_of_an_axis(x, seq_dim=1, seq_len=None):
    """GPT-J's of transformers 4."""
    angle = angles(torch.arange(seq_len or x.shape[seq_dim]), x.shape[-1])
    return angle.sin(), angle.cos()


def adds_a_table(x):
    """Absolute positions, added: no tables are made, though x = 0 gives them back."""
    length, width = x.shape[-2:]
    angle = angles(torch.arange(length), width)
    return x + torch.cat((angle.sin(), angle.cos()), -1)


def scaled_tables(x):
    """Nor are they here, where they are those of x."""
    length, width = x.shape
    angle = angles(torch.arange(length), width) * (1 + x.mean())
    return angle.cos(), angle.sin()


class RotaryOnCuda(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        steps = torch.arange(0, dim, 2, dtype=torch.float32, device=torch.cuda.current_device())
        self.inv_freq = 10000.0 ** (-steps / dim)

    def forward(self, max_seq_len: int) -> Tensor:
        angle = torch.outer(torch.arange(max_seq_len).to(self.inv_freq), self.inv_freq)
        return torch.cat((angle, angle), -1)


class RotaryThatFails(nn.Module):
    """Fails in its own way."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        raise RuntimeError(f"no such rotation of {dim} lanes")

    def forward(self, max_seq_len: int) -> Tensor:
        raise NotImplementedError
