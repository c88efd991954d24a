"""Where nobody knows whether tokens of which a rotation leaves nothing are padding, the row says
so."""

import pytest
import torch
from planted.blank_models import END, FRONT, BlankAttention
from planted.shell import Decoder, S, tokens
from torch import Tensor, nn

from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation
from rotcheck.results.model import ModelRow


class NormedScores(BlankAttention):
    """Its attention is none that is known."""

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = (q @ k.mT).relu()
        return scores / scores.sum(-1, keepdim=True).clamp_min(1) @ v


class BlankHead(BlankAttention):
    """Leaves nothing of a head."""

    def rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        y = super().rotate(x, cos, sin)
        return torch.cat((torch.zeros_like(y[:, :1]), y[:, 1:]), 1)


def _row(layer: nn.Module, **inputs: Tensor) -> ModelRow:
    torch.manual_seed(0)
    forward = run_forward(Decoder([layer]), tokens() | inputs)
    rows = list(ModelObservation(forward, None).rows("cpu"))
    return next(row for row in rows if row.kind == "rotation")


UNKNOWN = {
    "no other token comes behind": BlankAttention(END),
    "the attention is not known": NormedScores(FRONT),
}


@pytest.mark.parametrize("layer", UNKNOWN.values(), ids=UNKNOWN)
def test_what_may_be_padding_is_not_accused(layer: nn.Module) -> None:
    row = _row(layer)
    assert (row.verdict, row.finding) == ("unidentified", None)
    assert "become zeros: whether these are padding is not known" in (row.message or "")


def test_positions_below_0_say_that_tokens_are_ignored() -> None:
    positions = torch.arange(S) - FRONT.sum(-1, keepdim=True)  # (B, S)
    assert _row(BlankAttention(FRONT), position_ids=positions).verdict == "agrees"
    assert _row(BlankAttention(FRONT), position_ids=positions + 2).finding == "blank-tokens"


def test_a_head_is_no_token() -> None:
    row = _row(BlankHead(FRONT[0] & False))
    assert row.verdict == "unidentified"
    assert "of 1 of 4 places along axis 1 become zeros" in (row.message or "")
