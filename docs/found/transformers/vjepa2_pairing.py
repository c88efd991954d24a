"""V-JEPA 2 repeats its tables for half pairing and pairs neighbours: scores of two tokens change
with their place."""

import torch
from transformers.models.vjepa2.modeling_vjepa2 import rotate_queries_or_keys

torch.manual_seed(0)
q, k = torch.randn(2, 1, 1, 1, 8, dtype=torch.float64)
for first in (0, 10, 20):
    positions = torch.tensor([[[float(first)]]], dtype=torch.float64)
    score = (rotate_queries_or_keys(q, positions) * rotate_queries_or_keys(k, positions + 3)).sum()
    print(f"tokens {first} and {first + 3}: {score:.3f}")
