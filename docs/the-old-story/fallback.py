"""The fix as its authors wrote it: flash-attn where it runs, else plain operations."""

import torch


def _apply_rotary_pos_emb_native(qkv, cos, sin):
    x1, x2 = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-x2, x1), -1) * sin


def apply_rotary_pos_emb(qkv, cos, sin):
    """Rotate packed qkv (B, S, 3, H, D)."""
    try:
        import flash_attn.layers.rotary

        cos = cos[0, :, 0, 0, : cos.shape[-1] // 2]
        sin = sin[0, :, 0, 0, : sin.shape[-1] // 2]
        return flash_attn.layers.rotary.apply_rotary_emb_qkv_(qkv, cos, sin)
    except ImportError:
        return _apply_rotary_pos_emb_native(qkv, cos, sin)
    except Exception as e:
        print(f"Flash attention rotary failed ({e}), using native implementation")
        return _apply_rotary_pos_emb_native(qkv, cos, sin)
