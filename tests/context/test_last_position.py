"""Where positions end: found on the CPU, and no other device is asked for what lies behind."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn
from trying import planted

from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.angle_recognition import recognise
from rotcheck.context.angle_sources import AngleSource, PastEnd
from rotcheck.context.conditions.autocast import _autocast
from rotcheck.context.last_position import NOT_ASKED, with_last_position
from rotcheck.context.specimen import Specimen
from rotcheck.context.sweep import sweep
from rotcheck.implementations.target import Target, resolve


def known(name: str) -> AngleProfile:
    with torch.no_grad():
        return recognise(resolve(planted(name), "cpu"), "cpu")


def with_end(name: str) -> AngleProfile:
    specimen = Specimen(planted(name), "cpu", known(name))
    return with_last_position(specimen.profile, specimen.source())


@pytest.mark.parametrize(
    ("name", "last", "why"),
    [
        ("Raising", 511, "IndexError"),
        ("seven_hundred", 699, "IndexError: no such row"),
        ("Short", 511, "IndexError"),
        ("Growing", 131071, NOT_ASKED),
        ("Computed", 1048575, NOT_ASKED),
    ],
)
def test_the_last_position_that_it_takes(name: str, last: int, why: str) -> None:
    found = with_end(name)
    assert found.last == last
    assert found.last_because.startswith(f"on cpu, {why}")


class Table(nn.Module):
    """Notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        angles = torch.outer(torch.arange(512.0), 10000.0 ** (-torch.arange(0, 64, 2) / 64))
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self.largest = 0

    def forward(self, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        self.largest = max(self.largest, int(position_ids.max()))
        return self.cos[position_ids], self.sin[position_ids]


def bounded(table: Callable[..., Any]) -> AngleProfile:
    said = recognise(Target(table, None), "cpu")
    return msgspec.structs.replace(said, last=511, last_because="on cpu, IndexError: no such row")


def test_nothing_past_the_end_is_asked_for() -> None:
    table = Table()
    said = bounded(table)
    table.largest = 0
    asked = AngleSource(table, said, "cpu")
    assert asked.ask((0, 511)).cos.shape == (2, 32)
    with pytest.raises(PastEnd, match="on cpu, IndexError: no such row"):
        asked.ask((0, 512))
    assert table.largest == 511


def test_a_sweep_stops_at_the_end_and_says_who_found_it() -> None:
    table = Table()
    said = bounded(table)
    table.largest = 0
    curve = sweep(AngleSource(table, said, "cpu"), said)
    assert (curve.right_to, curve.refusal, table.largest) == (511, 1000, 511)
    assert curve.limit == "position 1000: on cpu, IndexError: no such row"


WITHOUT_CUDA = """
from rotcheck.context.conditions.autocast import _autocast
from rotcheck.context.condition_result import DoesNotApply

for device in ("meta", "cuda"):
    try:
        with _autocast(device):
            print("entered")
    except DoesNotApply as error:
        print(error)
"""


def test_an_autocast_that_is_not_there_is_none_that_agrees() -> None:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    said = subprocess.check_output([sys.executable, "-c", WITHOUT_CUDA], env=environment, text=True)
    raised, warned = said.splitlines()
    assert raised.startswith("there is no autocast to bfloat16 on meta: RuntimeError")
    assert warned.startswith("there is no autocast to bfloat16 on cuda: CUDA is not available")


def test_an_autocast_that_is_there_is_entered_and_left() -> None:
    with _autocast("cpu"):
        assert torch.is_autocast_enabled("cpu")
    assert not torch.is_autocast_enabled("cpu")
