import torch


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def thd_freqs_on_this_cp_rank(cp_rank, cp_size, x, freqs, offset=0):
    """The front and the back slice of one sequence that this rank holds."""
    part, full = x.size(0) // 2, cp_size * x.size(0)
    if cp_size == 1:
        return freqs[offset : offset + x.size(0)]
    return torch.cat(
        (
            freqs[offset + cp_rank * part : offset + (cp_rank + 1) * part],
            freqs[offset + full - (cp_rank + 1) * part : offset + full - cp_rank * part],
        )
    )


def apply_rotary_pos_emb_thd(t, cu_seqlens, freqs, cp_rank=0, cp_size=1):
    """t (tokens of this rank, heads, D); freqs (rows, 1, 1, D): a row for each token of the whole pack, or for each
    position up to the longest sequence."""
    lengths = ((cu_seqlens[1:] - cu_seqlens[:-1]) // cp_size).tolist()
    own = torch.cat(
        [thd_freqs_on_this_cp_rank(cp_rank, cp_size, x, freqs) for x in torch.split(t, lengths)]
    )
    cos, sin = own.cos().squeeze(1), own.sin().squeeze(1)
    return t * cos + rotate_half(t) * sin
