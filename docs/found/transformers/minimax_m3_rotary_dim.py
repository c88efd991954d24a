"""MiniMax-M3's text model declares rotary_dim 64 and turns all 128 lanes of a head.

`compute_default_rope_parameters` of `MiniMaxM3VLRotaryEmbedding` in
`models/minimax_m3_vl/modeling_minimax_m3_vl.py` reads `rope_parameters["partial_rotary_factor"]`
only, and the default configuration has none. A checkpoint that gives its width as `rotary_dim`
turns twice as many lanes, by other frequencies, and nothing is said. To mend it, derive the factor
from `rotary_dim` where it is absent.
"""

from transformers import AutoConfig
from transformers.models.minimax_m3_vl.modeling_minimax_m3_vl import MiniMaxM3VLRotaryEmbedding

config = AutoConfig.for_model("minimax_m3_vl_text")
rotary = MiniMaxM3VLRotaryEmbedding(config)
print("declared:", config.rotary_dim, "lanes; turned:", 2 * len(rotary.inv_freq))
