"""ERNIE-Image rotates halves by tables that are laid out for neighbours.

`ErnieImageEmbedND3` in `models/transformers/transformer_ernie_image.py` repeats each angle for two
neighbours, and `ErnieImageSingleStreamAttnProcessor` pairs lane i with lane i + 64. What two tokens
see of each other then changes with their place: below, tokens three rows apart. A comment in the
processor names this layout, so the published weights most likely expect it. A port has to keep it;
a new model should repeat the angles as `torch.cat([emb, emb], -1)`.
"""

import torch
from diffusers.models.transformers import transformer_ernie_image as ernie

torch.manual_seed(0)
places = ernie.ErnieImageEmbedND3(dim=128, theta=256, axes_dim=(32, 48, 48))
attention = ernie.ErnieImageAttention(query_dim=128, heads=1, dim_head=128, out_bias=False).double()
x = torch.randn(1, 2, 128, dtype=torch.float64)
cos = places(torch.tensor([[[0.0, 5.0, 5.0]]])).cos()[0, 0, 0]
print("lanes 0 and 64, one pair, have the cosines", *(f"{cos[lane]:.3f}" for lane in (0, 64)))
for first in (0, 10, 20):
    rows = torch.tensor([[[0.0, first, first], [0.0, first + 3, first + 3]]])
    seen = attention(x, image_rotary_emb=places(rows).double())
    print(f"tokens in rows {first} and {first + 3}: {seen[0, 0, 0].item():.4f}")
