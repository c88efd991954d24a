"""KerasHub's `rope_type="dynamic"` divides all frequencies alike, at each length.

Dynamic NTK scaling raises theta, and only beyond the original length. `_get_inverse_freq` of
`RotaryEmbedding` in `keras_hub/src/layers/modeling/rotary_embedding.py` divides each frequency by
`factor ** (d / (d - 2))`, which is more than linear scaling divides by. A checkpoint that declares
"dynamic" gives other answers from the first token on. To mend it, raise theta by that power, by the
length of the call.
"""

import os

os.environ["KERAS_BACKEND"] = "torch"
from keras_hub.layers import RotaryEmbedding
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

dynamic = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0}
config = LlamaConfig(head_dim=8, max_position_embeddings=4096, rope_parameters=dynamic)
keras = RotaryEmbedding(scaling_factor=4.0, rope_type="dynamic")
print("KerasHub:                   ", keras._get_inverse_freq(8).tolist())
for length in (4096, 16384):
    frequencies, _ = ROPE_INIT_FUNCTIONS["dynamic"](config, "cpu", seq_len=length)
    print(f"transformers, {length:5} tokens:", frequencies.tolist())
