import torch


def rope_(x, sin, cos, past_len, num_heads, head_dim):
    """In place.

    x: (bsz, q_len, num_heads * head_dim), sin, cos: (max_seq_len, head_dim)
    """
    rows, half = x.view(-1, head_dim), head_dim // 2
    position = past_len + torch.arange(rows.shape[0]) // num_heads % x.shape[1]
    c, s = cos[position][:, :half], sin[position][:, :half]
    a, b = rows[:, :half].clone(), rows[:, half:].clone()
    rows[:, :half] = a * c - b * s
    rows[:, half:] = b * c + a * s
    return x
