"""xPos turns each pair and scales it by a power of the position: neither right nor wrong here."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from planted.shell import WIDTH, D, Decoder, H, attend, inverse_frequencies, tokens
from torch import Tensor, nn

from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation

BASE = 512


def _tables(length: int, *, is_k: bool, first: int) -> tuple[Tensor, Tensor]:
    """As in torchscale; arXiv 2212.10554."""
    scale = (torch.arange(0, D, 2) + 0.4 * D) / (1.4 * D)
    places = torch.arange(length) + first
    power = scale ** (places[:, None] / BASE)  # (S, P)
    power = 1 / power if is_k else power
    angles = torch.arange(length)[:, None] * inverse_frequencies()
    return angles.cos() * power, angles.sin() * power


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    cos, sin = (table.repeat_interleave(2, -1) for table in (cos, sin))
    y = torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
    return x * cos + y * sin


def rotate_alone(x: Tensor, is_k: bool, first: int) -> Tensor:
    cos, sin = _tables(x.shape[-2], is_k=is_k, first=first)
    cos, sin = (table.repeat_interleave(2, -1) for table in (cos, sin))
    y = torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
    return x * cos + y * sin


def rotate_by_tables(x: Tensor, is_k: bool, first: int) -> Tensor:
    return rotate(x, *_tables(x.shape[-2], is_k=is_k, first=first))


class Xpos(nn.Module):
    def __init__(self, turn: Callable[[Tensor, bool], Tensor]) -> None:
        super().__init__()
        self.qkv, self.out, self.turn = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH), turn

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        return self.out(attend(self.turn(q, False), self.turn(k, True), v))


@pytest.mark.parametrize("length", [8, 40, 400])
@pytest.mark.parametrize("turn", [rotate_alone, rotate_by_tables])
@pytest.mark.parametrize("first", [0, -4], ids=["from 0", "from the middle"])
def test_xpos_is_said_to_be_such_and_is_not_accused(
    turn: Callable[[Tensor, bool, int], Tensor], length: int, first: int
) -> None:
    torch.manual_seed(0)
    model = Decoder([Xpos(partial(turn, first=first * length // 8))])
    forward = run_forward(model, tokens(length))
    observation = ModelObservation(forward, None)
    rows = [*observation.rows("cpu"), *observation.backward_rows("cpu")]
    assert {row.verdict for row in rows} <= {"agrees", "skipped", "unidentified"}
    assert any("as xPos does" in (row.message or "") for row in rows)


def test_a_narrow_table_is_not_taken_for_xpos() -> None:
    """What bfloat16 leaves of lengths does not grow."""

    def turn(x: Tensor, is_k: bool) -> Tensor:
        angles = torch.arange(x.shape[-2])[:, None] * inverse_frequencies()
        return rotate(x, *(table.bfloat16().float() for table in (angles.cos(), angles.sin())))

    torch.manual_seed(0)
    rows = ModelObservation(run_forward(Decoder([Xpos(turn)]), tokens(20)), None).rows("cpu")
    assert not any("xPos" in (row.message or "") for row in rows)
