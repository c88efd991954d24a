"""What is seen of a forward pass: rotations, makers of tables, and calls that turn nothing."""

from pathlib import Path
from types import FunctionType

import torch
from torch import Tensor, nn

from rotcheck.witness.witness import Witness

B, S, H, D = 2, 19, 3, 16


def rotate_half(x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def turn(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


def write(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> None:
    q.copy_(q * cos + rotate_half(q) * sin)


def one_sign(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return q * cos + rotate_half(q).abs() * sin, k * cos + rotate_half(k).abs() * sin


class Tables(nn.Module):
    def forward(self, length: int) -> tuple[Tensor, Tensor]:
        frequencies = 10000.0 ** (-torch.arange(0, D, 2) / D)
        angles = torch.arange(length)[:, None] * frequencies
        angles = torch.cat((angles, angles), -1)
        return angles.cos(), angles.sin()


class Attention(nn.Module):
    def __init__(self, rotate: object) -> None:
        super().__init__()
        self.qkv = nn.Linear(H * D, 3 * H * D)
        self.rotate = rotate

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        q, k, v = (y.unflatten(-1, (H, D)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        result = self.rotate(q, k, cos, sin)  # type: ignore[operator]
        q, k = result or (q, k)
        return nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(-2)


class Model(nn.Module):
    def __init__(self, rotate: object) -> None:
        super().__init__()
        self.tables = Tables()
        self.layers = nn.ModuleList(Attention(rotate) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        cos, sin = self.tables(x.shape[1])
        for layer in self.layers:
            x = layer(x, cos, sin)
        return x


def _seen(rotate: object) -> Witness:
    model = Model(rotate)
    with Witness(model) as witness, torch.no_grad():
        model(torch.randn(B, S, H * D))
    return witness


def test_the_function_that_turns_is_seen_in_each_layer_and_its_helpers_are_not() -> None:
    witness = _seen(turn)
    assert [call.function for call in witness.calls] == [turn, turn]
    assert [call.owner for call in witness.calls] == ["layers.0", "layers.1"]
    assert [part.argument for part in witness.calls[0].turns] == ["q", "k"]
    assert not witness.idle


def test_a_package_beside_torch_whose_name_begins_with_torch_is_seen() -> None:
    file = f"{Path(torch.__file__).parent}tune/rope.py"
    beside = FunctionType(turn.__code__.replace(co_filename=file), turn.__globals__)
    assert [call.function for call in _seen(beside).calls] == [beside, beside]


def test_the_maker_of_the_tables_is_seen_once() -> None:
    (maker,) = _seen(turn).makers
    assert (maker.function, maker.owner, maker.tables) == (Tables.forward, "tables", ("[0]", "[1]"))


def test_a_tensor_that_was_written_into_is_seen_as_it_was_before() -> None:
    (part,) = _seen(write).calls[0].turns
    assert part.argument == "q"
    assert not torch.equal(part.before, part.after)


def test_a_call_that_is_handed_tables_and_turns_nothing_is_kept() -> None:
    witness = _seen(one_sign)
    assert not witness.calls
    assert [call.function for call in witness.idle] == [one_sign, one_sign]
    assert witness.idle[0].table_arguments == ("cos", "sin")


def test_a_call_is_made_again_with_another_argument() -> None:
    call = _seen(turn).calls[0]
    q, k = call.call({"q": torch.zeros(B, H, S, D)})
    assert not q.any()
    assert torch.equal(k, call.turns[1].after)


def test_the_results_of_the_model_are_the_same() -> None:
    model, x = Model(turn), torch.randn(B, S, H * D)
    with Witness(model):
        seen = model(x)
    assert torch.equal(seen, model(x))


def apply_rotary_emb(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return x * cos + rotate_half(x) * sin


def test_a_rotary_function_whose_result_is_no_rotation_is_named() -> None:
    cos, sin = Tables()(9)
    cos[0] = sin[0] = 3  # the first token comes back longer than the others
    with Witness() as witness:
        apply_rotary_emb(torch.randn(2, 3, 9, cos.shape[-1]), cos, sin)
    assert not witness.calls
    assert witness.without_turn == ["apply_rotary_emb"]


def test_values_that_have_vanished_show_no_angles() -> None:
    cos, sin = Tables()(9)
    q = torch.randn(2, 3, 9, cos.shape[-1])
    with Witness() as witness:
        turn(q * 1e-37, q * 1e-37, cos, sin)
        turn(q * 1e-20, q * 1e-20, cos, sin)
    assert len(witness.calls) == 1
    assert not witness.idle


def test_small_values_of_float16_show_their_angles() -> None:
    cos, sin = (x.half() for x in Tables()(9))
    q = (torch.randn(2, 3, 9, cos.shape[-1]) / 5).half()
    with Witness() as witness:
        turn(q, q, cos, sin)
    assert [record.inline for record in witness.calls] == [False]


def test_a_dtype_that_computes_nothing_ends_nothing() -> None:
    def keep(x: Tensor) -> Tensor:
        return x

    with Witness() as witness:
        keep(torch.ones(2, 9, 16).to(torch.float8_e4m3fn))
    assert not witness.calls
