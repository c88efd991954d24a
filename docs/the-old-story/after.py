"""The model's rotary function as it can be: one import."""

from rotcheck.rotary import apply_rotary_pos_emb

__all__ = ["apply_rotary_pos_emb"]
