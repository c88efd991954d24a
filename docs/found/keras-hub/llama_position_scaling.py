"""KerasHub's Llama ignores `rope_position_scaling_factor`."""

import os

os.environ["KERAS_BACKEND"] = "torch"
import numpy
from keras_hub.src.models.llama.llama_rotary_embedding import LlamaRotaryEmbedding

x = numpy.ones((1, 101, 1, 128), dtype="float32")
plain = LlamaRotaryEmbedding()(x)
scaled = LlamaRotaryEmbedding(position_scaling_factor=4.0)(x)
print("positions over 4 and positions differ by", float((plain - scaled).abs().max()))
