"""SGLang ignores YaRN's `attention_factor`, as transformers spells it; it reads `attn_factor`.

`rotary_embedding/factory.py` hands on `attn_factor` only. A checkpoint that declares 1 gets cos and
sin times 1.139 for a factor of 4, so that its scores grow by 1.296. To mend it, read both.
"""

import os

os.environ["SGLANG_USE_CPU_ENGINE"] = "1"
from sglang.srt.layers.rotary_embedding.factory import get_rope
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
yarn |= {"rope_theta": 1e6, "attention_factor": 1.0}
config = LlamaConfig(head_dim=128, max_position_embeddings=131072, rope_parameters=yarn)
print("transformers:", ROPE_INIT_FUNCTIONS["yarn"](config, "cpu")[1])
print(f"SGLang: {get_rope(128, 128, 131072, 1e6, rope_scaling=yarn).cos_sin_cache[0, 0]:.4f}")
