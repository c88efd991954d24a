"""ESM's `interleaved=True` pairs neighbours by tables that are laid out for halves.

`apply_rotary_emb_torch` in `esm/layers/rotary.py` repeats cos and sin as `s d -> s 1 (2 d)` for
both pairings. What a query and a key score then changes with their place: below, tokens 0 and 3,
10 and 13, 20 and 23. ESM's own models leave `interleaved` at False and are right. To mend it,
repeat them as `s d -> s 1 (d 2)` there.
"""

import torch
from esm.layers.rotary import apply_rotary_emb_torch

angles = torch.arange(32)[:, None] * torch.tensor([1.0, 0.1], dtype=torch.float64)
cos, sin = angles.cos(), angles.sin()
torch.manual_seed(0)
q, k = torch.randn(2, 1, 32, 1, 4, dtype=torch.float64)[:, :, :1].expand(2, 1, 32, 1, 4)
for interleaved in (False, True):
    turned = (apply_rotary_emb_torch(x, cos, sin, interleaved)[0, :, 0] for x in (q, k))
    scores = torch.einsum("id,jd->ij", *turned)
    print(f"interleaved={interleaved}:", *(f"{scores[i, i + 3]:.3f}" for i in (0, 10, 20)))
