"""After `.to(torch.bfloat16)` a Llama turns by rounded frequencies."""

import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

config = LlamaConfig()
right = LlamaRotaryEmbedding(config).inv_freq.double()
cast = LlamaRotaryEmbedding(config).to(torch.bfloat16).inv_freq.double()
for position in (100, 1000, 2047):
    off = (position * (cast - right)).abs().max()
    print(f"position {position}: a pair is {off:.2f} rad off")
