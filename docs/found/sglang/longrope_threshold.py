"""SGLang's LongRoPE turns the token at position original_max_position_embeddings as position 0.

`Phi3LongRoPEScaledRotaryEmbedding.forward` in `rotary_embedding/rope_variant.py` takes the long
factors where a position is greater than that length, and the short table has no row for the one
that is equal: it finds row 0 of the long one. Prompts of just one token more than the length get
it. To mend it, compare with `>=`.
"""

import os

os.environ["SGLANG_USE_CPU_ENGINE"] = "1"
import torch
from sglang.srt.layers.rotary_embedding.factory import get_rope

scaling = {"rope_type": "longrope", "original_max_position_embeddings": 4096}
scaling |= {"short_factor": [1.0] * 48, "long_factor": [2.0] * 48}
rotary = get_rope(96, 96, 131072, 10000, rope_scaling=scaling)
for length in (4096, 4097, 4098):
    q = torch.zeros(length, 96)
    q[:, 10] = 1  # the first lane of pair 10
    turned, _ = rotary(torch.arange(length), q, q)
    angle = torch.atan2(turned[-1, 58], turned[-1, 10])
    print(f"{length} tokens: the last one is turned by {angle:.3f} rad")
