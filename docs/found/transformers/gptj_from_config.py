"""GPT-J and CodeGen made in bfloat16 by `from_config` have rounded frequencies.

`create_sinusoidal_positions` in `models/gptj/modeling_gptj.py`, and in CodeGen's file, divides
integers, which gives the default dtype. `AutoModelForCausalLM.from_config(config,
dtype=torch.bfloat16)`, with which a training from scratch begins, makes that bfloat16. A model that
`from_pretrained` loads is right. To mend it, divide `torch.arange(0, dim, 2).float()`. Below, how
far cos and sin are off at positions 1, 10, 100 and 1,000, and at most up to 2,047, of 64 lanes.
"""

import torch
from transformers import AutoModelForCausalLM, CodeGenConfig, GPTJConfig

small = {"n_embd": 64, "n_head": 1, "n_layer": 1, "rotary_dim": 64, "vocab_size": 8}
for kind in (GPTJConfig, CodeGenConfig):
    config = kind(**small, n_positions=2048, bos_token_id=1, eos_token_id=2)
    made = [
        next(AutoModelForCausalLM.from_config(config, dtype=dtype).buffers())
        for dtype in (torch.float32, torch.bfloat16)
    ]
    tables = [table.double() for table in made]  # (2048, 64): sin, then cos
    off = (tables[0] - tables[1]).abs().amax(1)  # (2048,)
    print(
        kind.model_type, [round(float(off[at]), 3) for at in (1, 10, 100, 1000)], float(off.max())
    )
