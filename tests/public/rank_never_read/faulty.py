import torch


def rotate_part(x, freqs_cis, cp_rank=0, cp_size=1):
    """x: (batch, seq / cp_size, heads, dim), the part of a rank; freqs_cis: (seq, dim / 2), of the whole sequence."""
    rows = x.shape[1]
    part = freqs_cis[:rows]
    turned = torch.view_as_complex(x.float().unflatten(-1, (-1, 2))) * part[:, None]
    return torch.view_as_real(turned).flatten(-2).to(x.dtype)
