"""After `.to(torch.bfloat16)` a Llama turns by rounded frequencies.

`inv_freq` of `LlamaRotaryEmbedding` in `models/llama/modeling_llama.py` is a buffer, and a cast
rounds it; the tables are made of it in float32 afterwards. `from_pretrained(dtype=torch.bfloat16)`
keeps it in float32: a model that is cast turns otherwise than the same checkpoint loaded in
bfloat16. To mend it, make the frequencies of the configuration again where they are not in float32.
"""

import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

config = LlamaConfig()
right = LlamaRotaryEmbedding(config).inv_freq.double()
cast = LlamaRotaryEmbedding(config).to(torch.bfloat16).inv_freq.double()
for position in (100, 1000, 2047):
    off = (position * (cast - right)).abs().max()
    print(f"position {position}: a pair is {off:.2f} rad off")
