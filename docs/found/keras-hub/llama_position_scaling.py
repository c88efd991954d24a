"""KerasHub's Llama ignores `rope_position_scaling_factor`.

`LlamaRotaryEmbedding` in `keras_hub/src/models/llama/llama_rotary_embedding.py`, to which the
backbone hands it as `position_scaling_factor`, makes its own frequencies and divides nothing by it.
A Llama with linear scaling runs without it.
"""

import os

os.environ["KERAS_BACKEND"] = "torch"
import numpy
from keras_hub.src.models.llama.llama_rotary_embedding import LlamaRotaryEmbedding

x = numpy.ones((1, 101, 1, 128), dtype="float32")
plain = LlamaRotaryEmbedding()(x)
scaled = LlamaRotaryEmbedding(position_scaling_factor=4.0)(x)
print("positions over 4 and positions differ by", float((plain - scaled).abs().max()))
