"""flash-attn when it can run here, else native:
decided once, by what can run, not by catching everything."""

import torch
from torch import Tensor

from rotcheck.implementations.builtin import flash_attn, native
from rotcheck.implementations.interface import Function, Unavailable

convention = native.convention
triton = True
skip = flash_attn.skip
_path = ("native", "")


def load(device: str) -> Function:
    """Choose the function for the device, and remember which it is."""
    global _path
    if not device.startswith("cuda") and device != "interpreter":
        _path = ("native", f"flash-attn's rotary does not run on {device}")
        return native.apply
    try:
        rotary = flash_attn.usable(device)
    except (Unavailable, ImportError) as reason:
        _path = ("native", f"flash-attn cannot run here: {reason}")
        return native.apply
    _path = ("flash-attn-qkv", "flash-attn can run here")

    def apply(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        half = cos.shape[-1] // 2
        tables = (cos[0, :, 0, 0, :half], sin[0, :, 0, 0, :half])  # (S, D/2) each
        result: Tensor = rotary.apply_rotary_emb_qkv_(
            qkv.clone(memory_format=torch.contiguous_format), *tables
        )
        return result

    return apply


def path() -> tuple[str, str]:
    """Which implementation runs, and why."""
    return _path
