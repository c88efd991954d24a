"""MiniMax-M3's text model declares rotary_dim 64 and turns all 128 lanes of a head."""

from transformers import AutoConfig
from transformers.models.minimax_m3_vl.modeling_minimax_m3_vl import MiniMaxM3VLRotaryEmbedding

config = AutoConfig.for_model("minimax_m3_vl_text")
rotary = MiniMaxM3VLRotaryEmbedding(config)
print("declared:", config.rotary_dim, "lanes; turned:", 2 * len(rotary.inv_freq))
