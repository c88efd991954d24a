"""After one call in bfloat16, vLLM's rotary module turns float32 by a rounded table for good; and
`get_rope` hands the same module to all who ask for it."""

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
