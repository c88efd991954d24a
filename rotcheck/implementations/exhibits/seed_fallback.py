"""The whole of the fix that rotcheck started from, its faults included;
see docs/the-fix-on-trial.md.

It catches everything, rebinds `cos` before what may fail,
writes into its input when flash-attn runs, and prints on every call.
"""

import importlib

from torch import Tensor

from rotcheck.implementations.exhibits import seed_native
from rotcheck.implementations.interface import Function

convention = seed_native.convention
_ran = ""


def load(device: str) -> Function:
    """The function."""
    if device == "interpreter":
        from rotcheck.implementations.builtin import flash_attn

        flash_attn.usable(device)
    return apply_rotary_pos_emb


def path() -> tuple[str, str]:
    """Which half of it ran last; the fix itself does not tell."""
    return _ran, "it catches every exception and falls back"


def _apply_rotary_pos_emb_native(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    global _ran
    _ran = "seed-native"
    return seed_native._apply_rotary_pos_emb_native(qkv, cos, sin)


def _flash_attn(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    global _ran
    result: Tensor = importlib.import_module("flash_attn.layers.rotary").apply_rotary_emb_qkv_(
        qkv, cos, sin
    )
    _ran = "flash-attn-qkv"
    return result


def apply_rotary_pos_emb(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply rotary position embedding with fallback to native implementation."""
    try:
        importlib.import_module("flash_attn.layers.rotary")
        cos = cos[0, :, 0, 0, : cos.shape[-1] // 2]
        sin = sin[0, :, 0, 0, : sin.shape[-1] // 2]
        return _flash_attn(qkv, cos, sin)
    except ImportError:
        return _apply_rotary_pos_emb_native(qkv, cos, sin)
    except Exception as e:
        print(f"Flash attention rotary failed ({e}), using native implementation")
        return _apply_rotary_pos_emb_native(qkv, cos, sin)
