"""V-JEPA 2 repeats its tables for half pairing and pairs neighbours.

`rotate_queries_or_keys` in `models/vjepa2/modeling_vjepa2.py` makes cos and sin with
`.repeat(1, 1, 1, 2)`, and turns lanes 2i and 2i + 1. The two lanes of a pair turn by different
angles: what two tokens score changes with their place. The original code has the same line, and a
comment on it: a mended function would not fit the trained weights
([pull request 15](https://github.com/facebookresearch/vjepa2/pull/15)).
"""

import torch
from transformers.models.vjepa2.modeling_vjepa2 import rotate_queries_or_keys

torch.manual_seed(0)
q, k = torch.randn(2, 1, 1, 1, 8, dtype=torch.float64)
for first in (0, 10, 20):
    positions = torch.tensor([[[float(first)]]], dtype=torch.float64)
    score = (rotate_queries_or_keys(q, positions) * rotate_queries_or_keys(k, positions + 3)).sum()
    print(f"tokens {first} and {first + 3}: {score:.3f}")
