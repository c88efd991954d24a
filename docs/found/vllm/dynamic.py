"""vLLM makes the plain table of a model that declares dynamic NTK scaling.

`DynamicNTKScalingRotaryEmbedding` in `dynamic_ntk_scaling_rope.py` is handed the unscaled length
both as `max_position_embeddings` and as `max_trained_positions` (`get_rope`), so that its formula
leaves theta as it is, and the table has as many rows as the model had before scaling. Up to there
it is right, as above. Beyond, where scaling should begin, prompts find no row. To mend it, make
the frequencies of the length of the prompt, as transformers does, and rows for them.
"""

import os

os.environ["VLLM_TARGET_DEVICE"] = "cpu"
import torch
from vllm.config import CompilationConfig, VllmConfig, set_current_vllm_config
from vllm.model_executor.layers.rotary_embedding import get_rope

dynamic = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0}
with set_current_vllm_config(VllmConfig(compilation_config=CompilationConfig(custom_ops=["none"]))):
    scaled = get_rope(128, 4096, rope_parameters=dynamic)
    plain = get_rope(128, 4096, rope_parameters={"rope_theta": 10000.0})
print("rows:", len(scaled.cos_sin_cache))
print("as without scaling:", torch.equal(scaled.cos_sin_cache, plain.cos_sin_cache))
try:
    scaled(torch.tensor([4096]), torch.randn(1, 128), torch.randn(1, 128))
except IndexError as error:
    print("position 4096:", error)
