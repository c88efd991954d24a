"""vLLM computes YaRN's ramp for 4 times the original length beside M-RoPE's sections.

`MRotaryEmbedding` in `rotary_embedding/mrope.py` takes `max_position_embeddings` times
`positions_factor`, 4, for the rows of its table, and YaRN's ramp is computed of the same number.
Here with the sections of Qwen2.5-VL: pair 40 turns by more than twice the angle. To mend it,
compute the ramp of the length that was handed over.
"""

import os

os.environ["VLLM_TARGET_DEVICE"] = "cpu"
import torch
from transformers import Qwen2_5_VLTextConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLRotaryEmbedding
from vllm.config import CompilationConfig, VllmConfig, set_current_vllm_config
from vllm.model_executor.layers.rotary_embedding import get_rope

yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
yarn |= {"rope_theta": 1e6, "mrope_section": [16, 24, 24]}
config = Qwen2_5_VLTextConfig(
    head_dim=128, max_position_embeddings=131072, rope_parameters=dict(yarn)
)
right = Qwen2_5_VLRotaryEmbedding(config).inv_freq

with set_current_vllm_config(VllmConfig(compilation_config=CompilationConfig(custom_ops=["none"]))):
    cos, sin = get_rope(128, 131072, rope_parameters=yarn).cos_sin_cache[1].chunk(2)
done = torch.atan2(sin, cos)
for pair in (20, 30, 40, 50):
    print(f"pair {pair}: {right[pair]:.3e} a position in transformers, {done[pair]:.3e} in vLLM")
