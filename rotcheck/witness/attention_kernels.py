"""Attention in kernels of public libraries, whose inside cannot be seen: known by their names."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from torch import Tensor

from rotcheck.witness.compiled_calls import ClosedCall

_FLASH = ("flash_attn", "flash_attn_interface", "vllm", "vllm_flash_attn")
_XFORMERS = ("xformers",)
KERNELS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "flash_attn_func", "flash_attn_varlen_func", "flash_attn_with_kvcache",
            "flash_attn_qkvpacked_func", "flash_attn_varlen_qkvpacked_func",
            "flash_attn_kvpacked_func", "flash_attn_varlen_kvpacked_func",
        ),
        _FLASH,
    ),
    **dict.fromkeys(
        (
            "memory_efficient_attention", "memory_efficient_attention_forward",
            "memory_efficient_attention_forward_requires_grad",
            "memory_efficient_attention_partial",
        ),
        _XFORMERS,
    ),
    "flex_attention": ("torch",),
}  # fmt: skip
"""The function: the packages whose function it is."""


@dataclass(frozen=True, slots=True)
class KernelInputs:
    """What a kernel of attention was handed.

    `nodes`: those of autograd's graph that made q and k. `turns`: which of them it turns
    itself, by cos and sin that it is handed: "qk", "q", or none.
    """

    kernel: str
    q: Tensor
    k: Tensor
    v: Tensor
    nodes: tuple[Any, ...]
    turns: str = ""


def kernel_of_frame(frame: FrameType) -> KernelInputs | None:
    """What a kernel is handed whose call begins; None: the frame is of no such kernel."""
    name = frame.f_code.co_name
    if name not in KERNELS:
        return None
    return kernel_inputs(name, frame.f_globals.get("__name__", ""), frame.f_locals)


def kernel_of_call(call: ClosedCall) -> KernelInputs | None:
    """What a kernel that was compiled is handed; None: it is no kernel."""
    function = call.function
    return kernel_inputs(function.__name__, function.__module__, call.arguments)


def kernel_inputs(name: str, module: str, arguments: Mapping[str, Any]) -> KernelInputs | None:
    """Copies of what a kernel is handed, by the names of its parameters; None: it is no kernel."""
    tensors = kernel_tensors(name, module, arguments)
    if tensors is None:
        return None
    q, k, v = (x.detach().clone() for x in tensors)
    packs = arguments.get("qkv"), arguments.get("kv", arguments.get("qkv"))  # of q, and of k
    sources = (x if pack is None else pack for x, pack in zip(tensors, packs))
    nodes = tuple(x.grad_fn for x in sources)
    return KernelInputs(name, q, k, v, nodes, kernel_turns(arguments))


def kernel_tensors(
    name: str, module: str, arguments: Mapping[str, Any]
) -> tuple[Tensor, Tensor, Tensor] | None:
    """q, k and v that a kernel is handed, themselves; None: it is no kernel."""
    if module.partition(".")[0] not in KERNELS.get(name, ()):
        return None
    q, k, v = _tensors(arguments)
    for x in (q, k, v):
        if not isinstance(x, Tensor) or x.dim() < 3:
            return None
    return q, k, v


def kernel_turns(arguments: Mapping[str, Any]) -> str:
    """Which of q and k a kernel turns itself: "qk", "q", or none."""
    keys = "k" if arguments.get("k") is not None else ""  # those of a cache are not turned
    return f"q{keys}" if arguments.get("rotary_cos") is not None else ""


def _tensors(arguments: Mapping[str, Any]) -> tuple[Any, ...]:
    """q, k and v: (B, S, H, D), or (tokens, H, D) of all rows, each; some come packed."""
    qkv, kv = arguments.get("qkv"), arguments.get("kv")
    if isinstance(qkv, Tensor):  # (..., 3, H, D)
        return qkv.unbind(-3) if qkv.dim() > 3 and qkv.shape[-3] == 3 else (None,) * 3
    if isinstance(kv, Tensor):  # (..., 2, H, D)
        parts = kv.unbind(-3) if kv.dim() > 3 and kv.shape[-3] == 2 else (None,) * 2
        return arguments.get("q"), *parts
    if "query" in arguments:
        return tuple(arguments.get(name) for name in ("query", "key", "value"))
    k, v = (
        arguments.get(f"{name}_cache") if arguments.get(name) is None else arguments[name]
        for name in "kv"
    )
    return arguments.get("q"), k, v
