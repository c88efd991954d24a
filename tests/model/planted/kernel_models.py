"""q and k enter kernels of attention that are known by their names alone: (B, S, H, D)."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from planted.shell import WIDTH, D, H, PlantedModel, S, decoder, inverse_frequencies


def _stand_ins(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("stand_ins.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


flash, xformers = _stand_ins("flash_attn.flash_attn_interface"), _stand_ins("xformers.ops.fmha")


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


def angles() -> Tensor:
    return torch.arange(S)[:, None] * inverse_frequencies()  # (S, P)


Attend = Callable[..., Tensor]


class KernelAttention(nn.Module):
    """Turns what `names` has, and hands q, k and v, (B, S, H, D), to a kernel."""

    def __init__(self, attend: Attend, names: str = "qk") -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.attend, self.names = attend, names

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        tensors = dict(zip("qkv", self.qkv(x).unflatten(-1, (3, H, D)).unbind(-3)))
        cos, sin = angles()[:, None].cos(), angles()[:, None].sin()  # (S, 1, P)
        plain = dict(tensors)
        for name in self.names:
            tensors[name] = turn(tensors[name], cos, sin)
        y = self.attend(*tensors.values(), plain)
        return self.out(y.flatten(-2))


def plain(q: Tensor, k: Tensor, v: Tensor, _: dict[str, Tensor]) -> Tensor:
    return flash.flash_attn_func(q, k, v, causal=True)


def lose_k(q: Tensor, k: Tensor, v: Tensor, before: dict[str, Tensor]) -> Tensor:
    return flash.flash_attn_func(q, before["k"], v)


def by_lengths(q: Tensor, k: Tensor, v: Tensor, _: dict[str, Tensor]) -> Tensor:
    ends = torch.tensor([0, S, 2 * S])
    tokens = (x.flatten(0, 1) for x in (q, k, v))  # (tokens, H, D) each
    return flash.flash_attn_varlen_func(*tokens, ends, ends).unflatten(0, (2, S))


def by_lengths_without_k(q: Tensor, k: Tensor, v: Tensor, before: dict[str, Tensor]) -> Tensor:
    return by_lengths(q, before["k"], v, {})


def packed(q: Tensor, k: Tensor, v: Tensor, _: dict[str, Tensor]) -> Tensor:
    return flash.flash_attn_qkvpacked_func(torch.stack((q, k, v), 2))


def half_packed(q: Tensor, k: Tensor, v: Tensor, _: dict[str, Tensor]) -> Tensor:
    return flash.flash_attn_kvpacked_func(q, torch.stack((k, v), 2))


def packed_by_lengths(q: Tensor, k: Tensor, v: Tensor, _: dict[str, Tensor]) -> Tensor:
    tokens = torch.stack((q, k, v), 2).flatten(0, 1)  # (tokens, 3, H, D)
    ends = torch.tensor([0, S, 2 * S])
    return flash.flash_attn_varlen_qkvpacked_func(tokens, ends).unflatten(0, (2, S))


def efficient(q: Tensor, k: Tensor, v: Tensor, _: dict[str, Tensor]) -> Tensor:
    return xformers.memory_efficient_attention(q, k, v)


def efficient_without_q(q: Tensor, k: Tensor, v: Tensor, before: dict[str, Tensor]) -> Tensor:
    return xformers.memory_efficient_attention(before["q"], k, v)


def _caches(k: Tensor) -> tuple[Tensor, Tensor]:
    return k.new_zeros(2, 2 * S, H, D), k.new_zeros(2, 2 * S, H, D)


def from_cache(q: Tensor, k: Tensor, v: Tensor, _: dict[str, Tensor]) -> Tensor:
    keys, values = _caches(k)
    keys[:, :S], values[:, :S] = k, v
    return flash.flash_attn_with_kvcache(q, keys, values)


def from_cache_of_before(q: Tensor, k: Tensor, v: Tensor, before: dict[str, Tensor]) -> Tensor:
    return from_cache(q, before["k"], v, {})


def inside(q: Tensor, k: Tensor, v: Tensor, _: dict[str, Tensor]) -> Tensor:
    """The kernel turns q and k."""
    tables = {"rotary_cos": angles().cos(), "rotary_sin": angles().sin()}
    rest = {"rotary_interleaved": False}
    return flash.flash_attn_with_kvcache(q, *_caches(k), k, v, **tables, **rest)


class InsideAttention(KernelAttention):
    """Turns q and k in the kernel alone, beside a layer that turns them itself."""

    def __init__(self) -> None:
        super().__init__(inside, "")
        self.first = KernelAttention(plain)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        return super().forward(x + self.first(x, position_ids), position_ids)


def _of(attend: Attend, names: str = "qk") -> Callable[[], nn.Module]:
    return decoder(lambda: KernelAttention(attend, names))


MODELS = [
    PlantedModel("flash attention", _of(plain)),
    PlantedModel("flash attention by lengths", _of(by_lengths)),
    PlantedModel("flash attention of a packed tensor", _of(packed)),
    PlantedModel("flash attention of packed k and v", _of(half_packed)),
    PlantedModel("flash attention of packed tokens", _of(packed_by_lengths)),
    PlantedModel("flash attention from a cache", _of(from_cache)),
    PlantedModel("flash attention that turns", decoder(InsideAttention)),
    PlantedModel("memory-efficient attention", _of(efficient)),
    PlantedModel("flash attention without k", _of(lose_k), "copy-dropped", "gets k as it was"),
    PlantedModel(
        "flash attention by lengths without k",
        _of(by_lengths_without_k),
        "copy-dropped",
        "gets k as",
    ),
    PlantedModel("flash attention turns again", _of(inside), "rotated-twice", "turns q itself"),
    PlantedModel("a cache before rotation", _of(from_cache_of_before), "copy-dropped", "gets k as"),
    PlantedModel("packed v turns", _of(packed, "qkv"), "v-rotated", "gets a v that was turned"),
    PlantedModel("efficient without q", _of(efficient_without_q), "copy-dropped", "gets q as"),
]
