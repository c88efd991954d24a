"""Rotary code as engines have it: words for layouts, frequencies handed over, `forward` alone."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor


def halves(x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def by_format(x: Tensor, freqs_cis: Tensor, qkv_format: str) -> Tensor:
    """`thd` has tables (T, D/2), anything else (B, S, D/2)."""
    table = (
        freqs_cis[:, None]
        if qkv_format == "thd"
        else freqs_cis.view(-1, x.shape[1], 1, x.shape[-1] // 2)
    )
    a, b = x.chunk(2, -1)
    return torch.cat((a * table.real - b * table.imag, b * table.real + a * table.imag), -1)


def one_sign_by_format(x: Tensor, freqs_cis: Tensor, qkv_format: str) -> Tensor:
    """As `by_format`, without the minus."""
    table = (
        freqs_cis[:, None]
        if qkv_format == "thd"
        else freqs_cis.view(-1, x.shape[1], 1, x.shape[-1] // 2)
    )
    a, b = x.chunk(2, -1)
    return torch.cat((a * table.real + b * table.imag, b * table.real + a * table.imag), -1)


def tables_of_frequencies(
    position_ids: Tensor, inv_freq: Tensor, scaling_factor: float, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """The frequencies are the caller's."""
    angles = (position_ids[..., None] / scaling_factor) * inv_freq  # (B, S, P)
    wide = torch.cat((angles, angles), -1)
    return wide.cos().to(dtype or torch.float32), wide.sin().to(dtype or torch.float32)


def tables_that_ignore_positions(position_ids: Tensor, inv_freq: Tensor) -> tuple[Tensor, Tensor]:
    """Counts from 0, whatever it is handed."""
    angles = torch.arange(position_ids.shape[-1])[:, None] * inv_freq  # (S, P)
    return angles.cos(), angles.sin()


class _Operator(ABC):
    """What a back-end must have."""

    @abstractmethod
    def forward(
        self, query: Tensor, key: Tensor, cos: Tensor, sin: Tensor
    ) -> tuple[Tensor, Tensor]: ...


class ForwardAlone(_Operator):
    """Called by its `forward`; is no module."""

    def forward(
        self, query: Tensor, key: Tensor, cos: Tensor, sin: Tensor
    ) -> tuple[Tensor, Tensor]:
        cos, sin = cos.unsqueeze(-2), sin.unsqueeze(-2)
        return query * cos + halves(query) * sin, key * cos + halves(key) * sin


class KeyUnrotatedAlone(_Operator):
    """As `ForwardAlone`; k stays."""

    def forward(
        self, query: Tensor, key: Tensor, cos: Tensor, sin: Tensor
    ) -> tuple[Tensor, Tensor]:
        cos, sin = cos.unsqueeze(-2), sin.unsqueeze(-2)
        return query * cos + halves(query) * sin, key


@torch.compile(dynamic=True)
def compiled(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Any:
    """Compiled anew for each shape that the search tries, were it not run as it is written."""
    return q * cos + halves(q) * sin, k * cos + halves(k) * sin


def with_a_kernel(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor, rope_fusion: bool = True) -> Any:
    """By default it wants a kernel that is not here."""
    if rope_fusion:
        from engine_of_others.kernels import fused

        return fused(q, k, cos, sin)
    return (q * cos + halves(q) * sin, k * cos + halves(k) * sin)


def and_whatever_else(
    xq: Tensor, xk: Tensor, *args: Any, freqs_cis: Tensor, **kwargs: Any
) -> tuple[Tensor, Tensor]:
    """What else the caller has is for others."""
    pairs = (
        torch.view_as_complex(xq.unflatten(-1, (-1, 2))),
        torch.view_as_complex(xk.unflatten(-1, (-1, 2))),
    )
    q, k = (torch.view_as_real(x * freqs_cis[:, None]).flatten(-2) for x in pairs)
    return q, k


class OfALayer(torch.nn.Module):
    """The frequencies of a layer, by its number;
    the bands of Llama 3, which change nothing here."""

    def __init__(
        self, config: Any, layer_idx: int, low_freq_factor: float, orig_max_position: int
    ) -> None:
        super().__init__()
        self.inv_freq = (
            1
            / config.rope_theta ** (torch.arange(0, config.head_dim, 2) / config.head_dim)
            / (1 + layer_idx)
        )
        assert low_freq_factor * 1000 < orig_max_position

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        angles = position_ids[..., None] * self.inv_freq
        return angles.cos(), angles.sin()


class OfAnImage(torch.nn.Module):
    """Has an angle for each patch of the largest image: 8,192 on a side would be 17 GB."""

    def __init__(self, dim: int, max_grid_height: int, max_grid_width: int) -> None:
        super().__init__()
        assert max_grid_height * max_grid_width < 10_000
        ranges = torch.arange(max_grid_height), torch.arange(max_grid_width)
        grid = torch.stack(torch.meshgrid(*ranges, indexing="ij"), -1).flatten(0, 1)  # (N, 2)
        self.angles = (
            grid[..., None] / 100 ** (torch.arange(0, dim // 2, 2) / (dim // 2))
        ).flatten(1)  # (N, P)

    def forward(self, x: Tensor) -> Tensor:
        cos, sin = self.angles[: x.shape[-2]].cos(), self.angles[: x.shape[-2]].sin()
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def token_major(positions: Tensor, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """A row for each token, whatever is behind it:
    tokens of a batch are to lie one behind another."""
    angles = positions[:, None, None] / 10000 ** (torch.arange(0, 64, 2) / 64)  # (T, 1, P)

    def turned(x: Tensor) -> Tensor:
        a, b = x.reshape(len(positions), -1, 64).chunk(2, -1)
        return torch.cat(
            (a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), -1
        ).view_as(x)

    return turned(query), turned(key)


def with_a_base(inputs: Tensor, positions: Tensor, *, base_frequency: int) -> Tensor:
    """inputs: (B, S, H, D). The base is a number like any other, and no number of rows."""
    pairs = inputs.shape[-1] // 2
    timescale = base_frequency ** (torch.arange(pairs) / pairs)
    angles = (positions[..., None] / timescale)[..., None, :]  # (B, S, 1, P)
    a, b = inputs.chunk(2, -1)
    return torch.cat((a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), -1)


class HandsOn(OfALayer):
    """Built with what its base is built with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class OneOfSeveral(torch.nn.Module):
    """Its `forward` hands all on to what this machine has."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen = self.forward_native

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.chosen(*args, **kwargs)

    def forward_native(
        self, positions: Tensor, query: Tensor, key: Tensor
    ) -> tuple[Tensor, Tensor]:
        return token_major(positions, query, key)


class NoKernelHere(OneOfSeveral):
    """Its `forward` hands all on to a kernel that this machine lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen = self.forward_cuda

    def forward_cuda(self, positions: Tensor, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        raise RuntimeError("no kernel for this device")


class CallsByAnotherName:
    """A call of it, which names no argument, hands all on to `call`, as Keras's layers do."""

    sign = 1.0  # of the sine in the second half

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)

    def call(self, inputs: Tensor, start_index: int = 0) -> Tensor:
        """inputs: (B, S, H, D)."""
        pairs = inputs.shape[-1] // 2
        rows = start_index + torch.arange(inputs.shape[1])
        angles = (rows[:, None] / 10000 ** (torch.arange(pairs) / pairs))[:, None]  # (S, 1, P)
        a, b = inputs.chunk(2, -1)
        return torch.cat(
            (a * angles.cos() - b * angles.sin(), b * angles.cos() + self.sign * a * angles.sin()),
            -1,
        )


class OneSignByAnotherName(CallsByAnotherName):
    sign = -1.0


class CastsItsTable(torch.nn.Module):
    """Casts the table that it keeps to what it is called with: a model has one dtype."""

    def __init__(self) -> None:
        super().__init__()
        angles = torch.arange(8192)[:, None] / 10000 ** (torch.arange(0, 64, 2) / 64)  # (T, P)
        self.register_buffer("table", torch.cat((angles.cos(), angles.sin()), -1))

    def forward(self, positions: Tensor, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        self.table = self.table.to(query.dtype)
        cos, sin = self.table[positions][:, None].chunk(2, -1)

        def turned(x: Tensor) -> Tensor:
            a, b = x.reshape(len(positions), -1, 64).chunk(2, -1)
            return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).view_as(x)

        return turned(query), turned(key)


def tables_as_wide_as_heads(q, k, cos, sin):
    """Neighbours turn by cos and sin of shape (tokens, head_dim // 2);
    these halves by tables as wide as a head."""
    if cos.shape[-1] < q.shape[-1]:
        return q + cos.sum() * k, k + sin.sum() * q
    cos, sin = cos[:, None], sin[:, None]
    return q * cos + half(q) * sin, k * cos + half(k) * sin


def half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)
