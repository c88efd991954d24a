"""Frequencies that one short pass has measured, held against what is declared."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from rotcheck.model.declared.declared_rotation import declared_rotations
from rotcheck.model.declared_rows import declared_rows, schedules_of
from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation
from rotcheck.rotary.schedules import Yarn

WIDTH, HEADS, LENGTH = 128, 2, 19
ROUNDING = 2e-7  # of a power in float32
YARN = Yarn(factor=4.0, original_length=32768, theta=1e6)
CONFIG = {
    "hidden_size": HEADS * WIDTH,
    "num_attention_heads": HEADS,
    "head_dim": WIDTH,
    "max_position_embeddings": 131072,
    "rope_theta": YARN.theta,
    "rope_scaling": {
        "rope_type": "yarn",
        "factor": YARN.factor,
        "original_max_position_embeddings": YARN.original_length,
    },
}


class TurnsInOneCall(nn.Module):
    """A layer whose tables no other call sees."""

    def __init__(self, schedule: Yarn) -> None:
        super().__init__()
        self.qkv = nn.Linear(HEADS * WIDTH, 3 * HEADS * WIDTH)
        exact = schedule.inverse_frequencies(WIDTH)  # (P,)
        self.row = (exact * (1 + ROUNDING * torch.randn(len(exact)))).float()
        self.amplitude = 0.1 * math.log(schedule.factor) + 1

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, -1)).unbind(2)  # (B, S, H, D)
        q, k = self.turn(q), self.turn(k)
        return scaled_dot_product_attention(*(y.transpose(1, 2) for y in (q, k, v)))

    def turn(self, x: Tensor) -> Tensor:
        angles = (torch.arange(x.shape[1])[:, None] * self.row)[:, None]  # (S, 1, P)
        cos, sin = angles.cos() * self.amplitude, angles.sin() * self.amplitude
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def _message(schedule: Yarn) -> str:
    torch.manual_seed(0)
    module = TurnsInOneCall(schedule)
    forward = run_forward(module, {"x": torch.randn(2, LENGTH, HEADS * WIDTH)})
    declared = declared_rotations(CONFIG)
    observation = ModelObservation(forward, CONFIG, schedules_of(declared, LENGTH))
    (row,) = declared_rows(observation, declared, CONFIG)
    assert (row.verdict == "agrees") == (row.message is None)
    return row.message or ""


def test_the_key_is_named_although_the_slow_pairs_were_measured_roughly() -> None:
    wrong = Yarn(factor=4.0, original_length=131072, theta=1e6)
    key = "original_max_position_embeddings is ignored: max_position_embeddings, 131,072, is taken"
    assert key in _message(wrong)


def test_what_is_declared_agrees() -> None:
    assert not _message(YARN)
