"""SGLang scales `dynamic` at each length as for the longest one.

`DynamicNTKScalingRotaryEmbedding` in `rotary_embedding/rope_variant.py` makes one table, with the
theta of `factor` times the length. Dynamic NTK scaling leaves prompts up to the original length as
they are; here their first tokens turn otherwise than in transformers.
"""

import os

os.environ["SGLANG_USE_CPU_ENGINE"] = "1"
import torch
from sglang.srt.layers.rotary_embedding.factory import get_rope
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

dynamic = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0}
config = LlamaConfig(head_dim=128, max_position_embeddings=4096, rope_parameters=dict(dynamic))
cos, sin = get_rope(128, 128, 4096, 10000, rope_scaling=dynamic).cos_sin_cache[1].chunk(2)
done = torch.atan2(sin, cos)
right, _ = ROPE_INIT_FUNCTIONS["dynamic"](config, "cpu", seq_len=100)
for pair in (1, 32, 63):
    print(f"pair {pair}: {right[pair]:.3e} a position in transformers, {done[pair]:.3e} in SGLang")
