"""Factories of models whose tables have other dtypes than their values, or refuse some."""

import torch
from torch import Tensor, nn
from torch.nn import functional

HEADS, WIDTH, WORDS, LONGEST = 2, 16, 64, 256


def _angles() -> Tensor:
    frequencies = 10000.0 ** (-torch.arange(0, WIDTH, 2) / WIDTH)
    return torch.outer(torch.arange(LONGEST), frequencies)  # (L, P)


def turn_complex(x: Tensor, table: Tensor) -> Tensor:
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * table).flatten(-2).to(x.dtype)


def turn_parts(x: Tensor, table: Tensor) -> Tensor:
    cos, sin = table.unbind(-1)  # (S, P) each
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)


def turn_float32(x: Tensor, table: Tensor) -> Tensor:
    if torch.is_autocast_enabled("cpu"):
        raise RuntimeError("the rotation is for float32 alone")
    return turn_complex(x, table)


class Attention(nn.Module):
    """Turns q and k; with a cache it writes k and v into one of float32."""

    def __init__(self, turn: object, has_cache: bool) -> None:
        super().__init__()
        self.qkv = nn.Linear(HEADS * WIDTH, 3 * HEADS * WIDTH)
        self.turn, self.has_cache = turn, has_cache

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        q, k, v = (
            y.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1)
        )
        q, k = self.turn(q, table), self.turn(k, table)  # type: ignore[operator]
        if self.has_cache:
            keys = torch.zeros(k.shape)
            keys[:, :, torch.arange(k.shape[2])] = k
            k = keys
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return y.transpose(1, 2).flatten(-2)


class Decoder(nn.Module):
    def __init__(self, table: Tensor, turn: object, has_cache: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, HEADS * WIDTH)
        self.register_buffer("table", table)
        self.layers = nn.ModuleList(Attention(turn, has_cache) for _ in range(2))

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        """A loss of its own, and the scores."""
        x = self.embedding(input_ids)
        for layer in self.layers:
            x = x + layer(x, self.table[: input_ids.shape[1]])
        return x.square().mean(), x @ self.embedding.weight.T


def _complex() -> Tensor:
    return torch.polar(torch.ones_like(_angles()), _angles())


class MakesTables(Decoder):
    """Makes its table in each pass."""

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        self.table = make_table(input_ids.shape[1])
        return super().forward(input_ids)


def make_table(length: int) -> Tensor:
    return _complex()[:length].clone()


class Blends(nn.Module):
    """Attends to the means of turned tensors and the tensors themselves, which are no rotation."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, WIDTH)

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.embedding(input_ids)  # (B, S, D)
        blend = make_table(x.shape[1]) / 2 + 0.5
        pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2))) * blend
        q = torch.view_as_real(pairs).flatten(-2)
        return functional.scaled_dot_product_attention(q, q, x) @ self.embedding.weight.T


def made_table() -> nn.Module:
    return MakesTables(_complex(), turn_complex)


def blend() -> nn.Module:
    return Blends()


def complex_table() -> nn.Module:
    return Decoder(_complex(), turn_complex)


def rounded_table() -> nn.Module:
    return Decoder(torch.view_as_real(_complex()).bfloat16(), turn_parts)


def narrow_model() -> nn.Module:
    return rounded_table().bfloat16()


def cache_of_float32() -> nn.Module:
    return Decoder(_complex(), turn_complex, has_cache=True)


def refuses_autocast() -> nn.Module:
    return Decoder(_complex(), turn_float32)


def turn_narrow(x: Tensor, table: Tensor) -> Tensor:
    return turn_parts(x.bfloat16(), table.bfloat16()).to(x.dtype)


def narrow_rotation() -> nn.Module:
    return Decoder(torch.view_as_real(_complex()), turn_narrow)


class WithoutGradient(Decoder):
    @torch.no_grad()
    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(input_ids)


def for_inference() -> nn.Module:
    return WithoutGradient(_complex(), turn_complex)


def not_initialised() -> nn.Module:
    model = complex_table()
    model.layers[1].qkv.bias.data[0] = float("nan")
    return model
