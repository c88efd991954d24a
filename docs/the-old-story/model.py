"""The model imports both, so that one flag reaches both."""

from before import apply_rotary_pos_emb
from fused import bias_dropout_add_scale

__all__ = ["apply_rotary_pos_emb", "bias_dropout_add_scale"]
