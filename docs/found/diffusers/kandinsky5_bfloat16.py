"""Kandinsky 5 rounds q and k to bfloat16 after their rotation, in a float32 model too.

`apply_rotary` within `Kandinsky5AttnProcessor` in `models/transformers/transformer_kandinsky.py`
ends with `.to(torch.bfloat16)`, and `.type_as(query)` afterwards brings no digits back. A float32
or float16 run attends with eight bits of q and k. To mend it, end with `.type_as(x)`.
"""

import torch
from diffusers.models.transformers import transformer_kandinsky as kandinsky

torch.manual_seed(0)
places = kandinsky.Kandinsky5RoPE1D(64)(torch.arange(13))[None]  # (1, S, 1, 32, 2, 2)
attention = kandinsky.Kandinsky5Attention(num_channels=64, head_dim=64)
keep = torch.nn.functional.scaled_dot_product_attention


def see(query, key, value, **options):
    """Tell what the attention gets."""
    exact = bool((query.bfloat16() == query).all())
    print("q enters the attention in", query.dtype, "with values of bfloat16:", exact)
    return keep(query, key, value, **options)


torch.nn.functional.scaled_dot_product_attention = see
attention(torch.randn(1, 13, 64), rotary_emb=places)
