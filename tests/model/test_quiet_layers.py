"""Layers in which a rotation does not show, or is meant not to be, are not accused."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation
from rotcheck.model.module_layers import layer_type
from rotcheck.model.turned_values import share
from rotcheck.results.model import ModelRow
from rotcheck.rotary import inverse_frequencies

B, H, S, D = 2, 3, 19, 16


def _tables() -> tuple[Tensor, Tensor]:
    angles = (torch.arange(S)[:, None] * inverse_frequencies(D)).float().repeat(1, 2)
    return angles.cos(), angles.sin()


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


def turn_all(q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, ...]:
    return turn(q, cos, sin), turn(k, cos, sin), turn(v, cos, sin)


def _turned(q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, ...]:
    return turn(q, cos, sin), turn(k, cos, sin), v


def _with_zeros(q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, ...]:
    return turn(q, cos, sin), turn(k * 0, cos, sin), v


def _of_length_1(q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, ...]:
    q, k, v = _turned(q, k, v, cos, sin)
    return q / q.norm(dim=-1, keepdim=True), k / k.norm(dim=-1, keepdim=True), v


class Layer(nn.Module):
    """An attention; without a rotation it does not use its tables."""

    def __init__(self, rotate: Callable[..., tuple[Tensor, ...]] | None) -> None:
        super().__init__()
        self.qkv = nn.Linear(H * D, 3 * H * D)
        self.rotate = rotate
        self.calls = 0

    def forward(self, x: Tensor, tables: tuple[Tensor, Tensor]) -> Tensor:
        self.calls += 1
        q, k, v = (y.unflatten(-1, (H, D)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        if self.rotate:
            q, k, v = self.rotate(q, k, v, *tables)
        x = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(-2)
        return x * self.calls  # another result each time, as with a cache


class Quiet(nn.Module):
    def __init__(self, *rotations: Callable[..., tuple[Tensor, ...]] | None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(map(Layer, rotations))

    def tables(self) -> tuple[Tensor, Tensor]:
        return _tables()

    def forward(self, x: Tensor) -> Tensor:
        tables = self.tables()
        for layer in self.layers:
            x = layer(x, tables)
        return x


def _rows(*rotations: Callable[..., tuple[Tensor, ...]] | None) -> list[ModelRow]:
    torch.manual_seed(5)
    forward = run_forward(Quiet(*rotations), {"x": torch.randn(B, S, H * D)})
    return list(ModelObservation(forward, None).rows("cpu"))


def test_a_layer_without_a_rotation_is_named_and_skipped() -> None:
    rows = _rows(_turned, None, _turned)
    (row,) = (row for row in rows if row.verdict != "agrees")
    assert (row.verdict, row.modules) == ("skipped", "layers.1")


def test_keys_that_are_zero_do_not_show_whether_they_turned() -> None:
    assert not [row for row in _rows(_with_zeros, _turned) if row.finding]


def test_what_was_brought_to_one_length_after_the_rotation_is_known_again() -> None:
    (row,) = (row for row in _rows(_of_length_1) if row.kind == "attention")
    assert (row.verdict, row.does) == ("agrees", "q and k turned once, v not turned")


def test_v_that_turns_as_an_argument_of_its_own_is_meant_to() -> None:
    assert not [row for row in _rows(turn_all) if row.finding]


def test_among_very_many_values_chance_is_no_origin() -> None:
    generator = torch.Generator().manual_seed(1)
    many = torch.randn(1 << 20, generator=generator, dtype=torch.float64).sort().values
    sample = torch.randn(64, generator=generator, dtype=torch.float64)
    assert share(many, sample, 2e-5) == 0
    assert share(many, many[::1000].contiguous(), 1e-12) == 1
    assert share(many[:1000], many[:64], 2e-5) == 1


def test_the_types_of_layers_are_those_of_the_tower_that_a_layer_stands_in() -> None:
    config = {
        "vision_config": {"layer_types": ["conv", "full_attention"]},
        "text_config": {"layer_types": ["full_attention", "sliding_attention", "full_attention"]},
    }
    layers = {
        "model.vision_tower.layers.0.self_attn": "conv",
        "model.language_model.layers.1.self_attn": "sliding_attention",
        "model.language_model.layers.2.self_attn": "full_attention",
    }
    assert {name: layer_type(name, config) for name in layers} == layers
