"""After one call in bfloat16, vLLM's rotary module turns float32 by a rounded table for good.

`_match_cos_sin_cache_dtype` in `rotary_embedding/base.py` replaces the table by the one that it has
cast, and `get_rope` hands the same module to all who ask for it: below, another one's call spoils
it. It matters to a process that runs more than one dtype. To mend it, cast what was made in float32
each time, or keep a table for each dtype.
"""

import os

os.environ["VLLM_TARGET_DEVICE"] = "cpu"
import torch
from vllm.config import CompilationConfig, VllmConfig, set_current_vllm_config
from vllm.model_executor.layers.rotary_embedding import get_rope

with set_current_vllm_config(VllmConfig(compilation_config=CompilationConfig(custom_ops=["none"]))):
    rotary = get_rope(128, 4096)
    other = get_rope(128, 4096)
position, x = torch.tensor([1000]), torch.ones(1, 128)
before, _ = rotary(position, x, x)
other(position, x.bfloat16(), x.bfloat16())
after, _ = rotary(position, x, x)
print(f"the same float32 call differs by {(after - before).abs().max():.4f}")
