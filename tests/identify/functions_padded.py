"""Rows that do not begin with their first token, masks that say so,
and heads whose last lanes turn."""

import torch


def angles_of(position_ids, width, theta=10000.0):
    return position_ids[..., None].float() * theta ** (-torch.arange(0, width, 2).float() / width)


def rotated(x, angles):
    a, b = x.chunk(2, -1)
    return torch.cat((a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), -1)


def left_position_ids(attention_mask):
    """attention_mask (B, S) is 0 where a prompt is padded on its left."""
    return (attention_mask.long().cumsum(-1) - 1).clamp(min=0)


def ignored_position_ids(attention_mask):
    """attention_mask (B, S) is 0 where a prompt is padded on its left."""
    return torch.arange(attention_mask.shape[1]).expand(attention_mask.shape)


def right_position_ids(attention_mask):
    """attention_mask (B, S) is 0 where a prompt is padded on its right."""
    return torch.arange(attention_mask.shape[1]).expand(attention_mask.shape)


def perhaps_position_ids(attention_mask):
    return torch.arange(attention_mask.shape[1]).expand(attention_mask.shape)


def from_two_position_ids(attention_mask):
    return attention_mask.long().cumsum(-1) * attention_mask.long() + 1


def packed_position_ids(cu_seqlens):
    """Positions of packed sequences."""
    lengths = cu_seqlens.diff().tolist()
    return torch.cat([torch.arange(length) for length in lengths])


def ignored_packed_position_ids(cu_seqlens):
    """Positions of packed sequences."""
    return torch.arange(int(cu_seqlens[-1]))


def heeds_its_mask(q, k, attention_mask, cache_position):
    """q, k: (B, H, S, D)."""
    angles = angles_of(left_position_ids(attention_mask)[:, -len(cache_position) :], q.shape[-1])[
        :, None
    ]
    return rotated(q, angles), rotated(k, angles)


def ignores_its_mask(q, k, attention_mask, cache_position):
    """q, k: (B, H, S, D)."""
    angles = angles_of(cache_position, q.shape[-1])
    return rotated(q, angles), rotated(k, angles)


def last_lanes(x, positions, rotary_dim=32):
    """x: (B, S, D)."""
    stays, turns = x[..., :-rotary_dim], x[..., -rotary_dim:]
    return torch.cat((stays, rotated(turns, angles_of(positions, rotary_dim))), -1)


def last_lanes_for_the_first(x, positions, rotary_dim=32):
    """Rotates the first rotary_dim lanes of x: (B, S, D)."""
    return last_lanes(x, positions, rotary_dim)
