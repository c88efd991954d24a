"""What cannot be looked into is seen from outside: compiled code, scripts, flex_attention."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention.flex_attention import flex_attention

from rotcheck.witness.witness import Witness

B, S, H, D = 2, 19, 2, 16


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class Turn(nn.Module):
    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat((-b, a), -1) * sin


class Model(nn.Module):
    """Turns its input by `rotate`, and attends."""

    def __init__(self, rotate: Any, attend: Callable[..., Tensor] | None = None) -> None:
        super().__init__()
        self.rotate, self.attend = rotate, attend or nn.functional.scaled_dot_product_attention

    def forward(self, x: Tensor) -> Tensor:
        angles = torch.arange(S)[:, None] * 10000.0 ** (-torch.arange(0, D, 2) / D)
        angles = torch.cat((angles, angles), -1)
        x = self.rotate(x, angles.cos(), angles.sin())
        return self.attend(x, x, x)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    torch._dynamo.reset()


def _seen(model: nn.Module) -> Witness:
    x = torch.randn(B, H, S, D)
    with Witness(model) as witness, torch.no_grad():
        seen = model(x)
    with torch.no_grad():
        assert torch.equal(seen, model(x))
    return witness


COMPILED = {
    "function": lambda: torch.compile(turn, backend="eager"),
    "module": lambda: torch.compile(Turn(), backend="eager"),
    "script": lambda: torch.jit.script(turn),
    "script of a module": lambda: torch.jit.script(Turn()),
}


@pytest.mark.parametrize("make", COMPILED.values(), ids=COMPILED)
def test_what_is_compiled_is_seen_to_turn_and_can_be_called_again(make: Callable[[], Any]) -> None:
    (call,) = _seen(Model(make())).calls
    assert [part.argument for part in call.turns] == ["x"]
    assert torch.equal(call.call({}), call.turns[0].after)
    assert not call.call({"x": torch.zeros(B, H, S, D)}).any()


def test_what_a_compiler_makes_stays_one_graph() -> None:
    torch._dynamo.utils.counters.clear()
    _seen(Model(torch.compile(turn, backend="eager")))
    counters = torch._dynamo.utils.counters
    assert (dict(counters["frames"]), dict(counters["graph_break"])) == ({"total": 1, "ok": 1}, {})


@pytest.mark.parametrize("attend", [flex_attention, torch.compile(flex_attention, backend="eager")])
def test_flex_attention_is_seen_once_whether_compiled_or_not(attend: Callable[..., Tensor]) -> None:
    witness = _seen(Model(turn, attend))
    (attention,) = witness.attention
    assert attention.kind == "flex_attention"
    assert torch.equal(attention.q, witness.calls[0].turns[0].after)


def test_a_compiled_model_in_which_nothing_is_seen_to_turn_is_kept() -> None:
    witness = _seen(torch.compile(Model(turn), backend="eager"))
    assert not witness.calls
    assert [call.name for call in witness.closed_calls] == [f"{__name__}.Model.forward"]
