"""Rotations written out in the attention, with no function of their own: seen all the same."""

import pytest
import torch
from torch import Tensor, nn

from rotcheck.rotary import inverse_frequencies
from rotcheck.witness.witness import Witness

B, H, S, D = 2, 3, 19, 16


def _angles(lanes: int) -> Tensor:
    return (torch.arange(S)[:, None] * inverse_frequencies(lanes)).float()


class Inline(nn.Module):
    """An attention; each kind turns q and k in a way of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(H * D, 3 * H * D)


class Halves(Inline):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.unflatten(-1, (H, D)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        angles = _angles(D)
        cos, sin = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)
        q1, q2 = q.chunk(2, -1)
        q = q * cos + torch.cat((-q2, q1), -1) * sin
        k1, k2 = k.chunk(2, -1)
        k = k * cos + torch.cat((-k2, k1), -1) * sin
        return nn.functional.scaled_dot_product_attention(q, k, v)


class Complex(Inline):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.unflatten(-1, (H, D)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        table = torch.polar(torch.ones(S, D // 2), _angles(D))
        q = torch.view_as_real(torch.view_as_complex(q.unflatten(-1, (-1, 2))) * table).flatten(-2)
        k = torch.view_as_real(torch.view_as_complex(k.unflatten(-1, (-1, 2))) * table).flatten(-2)
        return nn.functional.scaled_dot_product_attention(q, k, v)


class Written(Inline):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.unflatten(-1, (H, D)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        cos, sin = _angles(D).cos(), _angles(D).sin()
        q1, q2 = q[..., ::2].clone(), q[..., 1::2].clone()
        q[..., ::2] = q1 * cos - q2 * sin
        q[..., 1::2] = q1 * sin + q2 * cos
        k1, k2 = k[..., ::2].clone(), k[..., 1::2].clone()
        k[..., ::2] = k1 * cos - k2 * sin
        k[..., 1::2] = k1 * sin + k2 * cos
        return nn.functional.scaled_dot_product_attention(q, k, v)


class Partial(Inline):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.unflatten(-1, (H, D)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        cos, sin = _angles(8).cos(), _angles(8).sin()
        q1, q2, rest = q.split((4, 4, 8), -1)
        q = torch.cat((q1 * cos - q2 * sin, q2 * cos + q1 * sin, rest), -1)
        k1, k2, rest = k.split((4, 4, 8), -1)
        part = torch.cat((k1 * cos - k2 * sin, k2 * cos + k1 * sin), -1)
        k = torch.cat((part, rest), -1)
        return nn.functional.scaled_dot_product_attention(q, k, v)


class Transposed(Inline):
    """Its function is handed (B, S, H * D) and returns (B, H, S, D)."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        v = v.unflatten(-1, (H, D)).transpose(1, 2)
        return nn.functional.scaled_dot_product_attention(self.heads(q), self.heads(k), v)

    def heads(self, x: Tensor) -> Tensor:
        cos, sin = _angles(D).cos()[:, None], _angles(D).sin()[:, None]
        a, b = x.unflatten(-1, (H, D)).chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).transpose(1, 2)


class Features(Inline):
    """Its function is handed features of which a ReLU made many zero, lanes before tokens."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.unflatten(-1, (H, D)).permute(0, 2, 3, 1) for y in self.qkv(x).chunk(3, -1))
        q, k = self.turn(q.relu()), self.turn(k.relu())  # (B, H, D, S)
        return (v @ k.mT) @ q

    def turn(self, x: Tensor) -> Tensor:
        pairs = torch.view_as_complex(x.mT.unflatten(-1, (-1, 2)).contiguous())  # (B, H, S, P)
        angles = _angles(D)
        return (
            torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2).mT
        )


class Scaled(Inline):
    """No rotation: products with what varies from place to place."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.unflatten(-1, (H, D)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        cos = _angles(D).cos().repeat(1, 2)
        q = torch.nn.functional.silu(q * cos + q) * 1e-3
        k = torch.cat((-k[..., D // 2 :], k[..., : D // 2]), -1) * 2
        return nn.functional.scaled_dot_product_attention(q, k, v)


def _seen(kind: type[Inline]) -> Witness:
    torch.manual_seed(3)
    model = kind()
    with Witness(model) as witness, torch.no_grad():
        model(torch.randn(B, S, H * D))
    return witness


@pytest.mark.parametrize(
    ("kind", "pairing"),
    [(Halves, "half"), (Complex, "interleaved"), (Written, "interleaved"), (Partial, "half")],
)
def test_a_rotation_written_out_is_seen_with_the_names_of_its_variables(
    kind: type[Inline], pairing: str
) -> None:
    (call,) = _seen(kind).calls
    assert (call.function, call.inline) == (kind.forward, True)
    assert [part.argument for part in call.turns] == ["q", "k"]
    for part in call.turns:
        assert (part.turn.pairing, part.turn.start) == (pairing, 0)
        assert part.turn.lanes == (8 if kind is Partial else D)
        assert float(part.turn.angles[0, 0, 1, 0]) == pytest.approx(1.0, abs=1e-5)


def test_a_function_that_also_transposes_is_seen() -> None:
    calls = _seen(Transposed).calls
    assert [call.function for call in calls] == [Transposed.heads] * 2
    assert all(call.inline and call.turns[0].turn.lanes == D for call in calls)


def test_features_that_are_zero_hide_no_rotation_and_lanes_may_stand_before_tokens() -> None:
    calls = _seen(Features).calls
    assert [call.function for call in calls] == [Features.turn] * 2
    assert all(call.inline and call.turns[0].turn.lanes == D for call in calls)


def test_products_that_turn_nothing_are_not_taken_for_rotations() -> None:
    assert not _seen(Scaled).calls


class Weights(Inline):
    """Weights that add up to one, between two neighbours: no rotation."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.unflatten(-1, (H, D)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        near = torch.linspace(0, 1, S)
        weights = torch.stack((near, 1 - near), -1)  # (S, 2)
        weights = weights.flip(-1) * 1.0
        return nn.functional.scaled_dot_product_attention(q * weights[:, :1], k, v)


def test_weights_of_two_neighbours_are_no_pair_that_turns() -> None:
    assert not _seen(Weights).calls
