"""From figures to a verdict, in plain numbers."""

import math

import pytest
import torch

from rotcheck.results import Reference, Step
from rotcheck.train import rounding_limits
from rotcheck.train.gradient import agreement
from rotcheck.train.messages import percent


def step(number: int = 1, loss: float = 3.0, error: float = 1e-6, rounding: float = 1e-6) -> Step:
    figures = {"tensor": "qkv", "tensor_error": error, "tensor_rounding": rounding}
    return Step(number=number, loss=loss, gradient_error=error, rounding=rounding, **figures)


def reference(*losses: float) -> Reference:
    return Reference(name="float64", device="cpu", dtype="float64", losses=losses)


def test_up_to_four_times_rounding_is_right_and_more_is_wrong() -> None:
    assert rounding_limits.wrong_at([step(1), step(2, error=3.9e-6)]) is None
    assert rounding_limits.wrong_at([step(1), step(2, error=4.1e-6), step(3, error=1.0)]) == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nan_is_wrong(bad: float) -> None:
    assert rounding_limits.wrong_at([step(error=bad)]) == 1
    assert rounding_limits.worst([step(1, error=1.0), step(2, error=bad)]).number == 2


def test_where_rounding_is_a_quarter_of_the_gradient_nothing_can_be_told() -> None:
    assert rounding_limits.inconclusive_at([step(rounding=0.2)]) is None
    assert rounding_limits.inconclusive_at([step(1), step(2, rounding=0.3)]).number == 2
    assert rounding_limits.inconclusive_at([step(rounding=math.nan)]).number == 1


def test_curves_part_where_the_loss_leaves_what_the_yardstick_shows() -> None:
    truth, yardstick = reference(3.0, 2.0, 1.0), reference(3.0, 2.001, 1.0)
    steps = [step(1, 3.0), step(2, 2.003), step(3, 1.003)]
    assert rounding_limits.parts_at(steps, truth, yardstick, "float32") is None
    assert (
        rounding_limits.parts_at([step(1, 3.0), step(2, 2.005)], truth, yardstick, "float32") == 2
    )
    assert rounding_limits.parts_at([step(1, math.nan)], truth, yardstick, "float32") == 1


def test_one_rounding_step_of_the_loss_is_always_allowed() -> None:
    same = reference(1.0)
    assert rounding_limits.parts_at([step(1, 1.0 + 3 * 2.0**-7)], same, same, "bfloat16") is None
    assert rounding_limits.parts_at([step(1, 1.0 + 5 * 2.0**-7)], same, same, "bfloat16") == 1


@pytest.mark.parametrize("dtype", rounding_limits.EPS)
def test_the_rounding_steps_are_those_of_torch(dtype: str) -> None:
    assert rounding_limits.EPS[dtype] == torch.finfo(getattr(torch, dtype)).eps


def test_a_small_wrong_parameter_is_not_hidden_by_large_right_ones() -> None:
    exact = {"large": torch.full((100,), 10.0), "small": torch.full((2,), 0.01)}
    found = {"large": exact["large"], "small": -exact["small"]}
    told = agreement(found, exact, exact, torch.float32)
    assert (told.tensor, told.tensor_error) == ("small", 2.0)
    assert told.gradient_error < 1e-3
    assert told.rounding == torch.finfo(torch.float32).eps


def test_a_parameter_without_a_gradient_tells_nothing() -> None:
    exact = {"one": torch.ones(3), "unused": torch.zeros(3)}
    assert agreement(exact, exact, exact, torch.float32).tensor == "one"


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.384, "38 %"),
        (6.1e-7, "0.000061 %"),
        (0.0123, "1.2 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (math.nan, "NaN"),
    ],
)
def test_percentages_keep_two_digits(share: float, shown: str) -> None:
    assert percent(share) == shown
