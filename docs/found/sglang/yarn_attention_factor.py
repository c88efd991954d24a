"""SGLang ignores `attention_factor`, as transformers 5 spells it; it reads `attn_factor`."""

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
