"""Whether a model can be trained as it is, whatever it returns."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from rotcheck.model.backward_pass import backward_row
from rotcheck.model.forward_pass import run_forward


@dataclass
class Scores:
    scores: Tensor


class AttrsScores(Scores):
    """What `attr.dataclass` makes, seen from outside."""

    __dataclass_fields__: ClassVar[dict[str, Any]] = {}
    __attrs_attrs__ = (SimpleNamespace(name="scores"),)


class Returns(nn.Module):
    def __init__(self, kind: Any, *, detach: bool = False) -> None:
        super().__init__()
        self.linear, self.kind, self.detach = nn.Linear(4, 4), kind, detach

    def forward(self, x: Tensor) -> Any:
        scores = self.linear(x)
        return self.kind(scores.detach() if self.detach else scores)


def _fault(module: nn.Module) -> str | None:
    row = backward_row(run_forward(module, {"x": torch.randn(2, 4)}), module, "Returns", "cpu")
    return row.message


@pytest.mark.parametrize("kind", [Scores, AttrsScores, lambda x: x, lambda x: {"scores": [x]}])
def test_the_gradient_of_what_a_model_returns_is_found(kind: Any) -> None:
    assert _fault(Returns(kind)) is None


@pytest.mark.parametrize("kind", [Scores, AttrsScores])
def test_a_result_without_gradient_is_told(kind: Any) -> None:
    fault = _fault(Returns(kind, detach=True))
    assert fault == "nothing that the model returns requires a gradient"


class ForwardOnly(Returns):
    """A model whose attention has no backward pass here, as flex_attention has none on a CPU."""

    def forward(self, x: Tensor) -> Any:
        if torch.is_grad_enabled():
            raise NotImplementedError
        return super().forward(x)


def test_a_model_without_a_backward_pass_here_is_seen_without_gradients() -> None:
    assert _fault(ForwardOnly(Scores)) == "nothing that the model returns requires a gradient"
