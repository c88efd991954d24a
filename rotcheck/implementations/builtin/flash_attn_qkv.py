"""flash-attn's Triton kernel through `apply_rotary_emb_qkv_`: packed qkv, in place,
V left alone."""

from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations.builtin import flash_attn
from rotcheck.implementations.interface import Function

convention = Convention(
    pairing="half", layout="qkv", tables="half-width", in_place=True, takes_offset=True
)
triton = True
skip = flash_attn.skip


def load(device: str) -> Function:
    """The function of flash-attn, its offset named `offset`."""
    rotary = flash_attn.usable(device)

    def apply(qkv: Tensor, cos: Tensor, sin: Tensor, offset: int = 0) -> Tensor:
        result: Tensor = rotary.apply_rotary_emb_qkv_(qkv, cos, sin, seqlen_offsets=offset)
        return result

    return apply
