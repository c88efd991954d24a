"""rotcheck's own: `rotcheck.rotary.apply_rotary_pos_emb`, on the path that
is best for the device."""

import importlib
from functools import partial
from types import ModuleType

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations.builtin import flash_attn
from rotcheck.implementations.interface import Function
from rotcheck.implementations.triton_interpreter import interpret
from rotcheck.rotary import apply_rotary_pos_emb, explain
from rotcheck.rotary.apply import QKV, rotate

convention = Convention(pairing="half", layout="qkv", tables="packed")
triton = True
skip = flash_attn.skip
# one head of the kind that was called with: the tensors themselves are not held
_last: list[Tensor] = []


def load(device: str) -> Function:
    """The function; on the interpreter stand-in it runs rotcheck's own Triton kernel."""
    if device == "interpreter":
        interpret()
        return partial(rotate, arrangement=QKV, inplace=False, path=_triton())
    return apply


def apply(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate qkv (B, S, 3, H, D) with tables (1, S, 3, 1, D)."""
    if not _last or _last[0].dtype != qkv.dtype:
        _last[:] = [torch.empty(1, 1, 3, 1, 2, dtype=qkv.dtype, device=qkv.device)]
    return apply_rotary_pos_emb(qkv, cos, sin)


def _triton() -> ModuleType:
    return importlib.import_module("rotcheck.rotary.paths.triton")


def path() -> tuple[str, str]:
    """Which of its paths ran."""
    if not _last:
        return str(_triton().name), ""
    table = _last[0][:, :, :1]
    return explain(_last[0], table, table).path, ""
