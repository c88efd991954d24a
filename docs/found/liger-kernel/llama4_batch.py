"""Liger's Llama 4 kernel turns each row of a batch by the positions of the first one.

`_llama4_rope_kernel` in `liger_kernel/ops/llama4_rope.py` reads its table at the token's place in
the row (`freq_base`), and not at that of the batch row, though transformers makes a table for each.
Packed rows get other scores than without Liger; so do rows beside a first one that is padded on the
left. Below, row 1 holds two sequences of two tokens. An offset of the batch row would mend it, as
in `_triton_rope`.
"""

import os

os.environ["TRITON_INTERPRET"] = "1"  # the kernel runs on CPU tensors
import torch
from liger_kernel.transformers.llama4_rope import liger_llama4_text_rotary_pos_emb
from transformers.models.llama4.modeling_llama4 import apply_rotary_emb

positions = torch.tensor([[0, 1, 2, 3], [0, 1, 0, 1]])  # row 1 has two sequences
angles = positions[..., None] * torch.tensor([1.0, 0.1], dtype=torch.float64)
tables = torch.polar(torch.ones_like(angles), angles)
torch.manual_seed(0)
q, k = torch.randn(2, 2, 4, 1, 4, dtype=torch.float64)
of_liger, _ = liger_llama4_text_rotary_pos_emb(q.clone(), k.clone(), tables)
right, _ = apply_rotary_emb(q.float(), k.float(), tables)
for row in (0, 1):
    print(f"row {row}: off by {(of_liger - right)[row].abs().max():.4f}")
