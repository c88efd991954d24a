"""Numbers that a class is built with and that have no effect,
and what else an object says of itself."""

from functools import cache
from pathlib import Path

import pytest
import torch

from rotcheck.identify.function_identification import identify
from rotcheck.implementations.target import resolve
from rotcheck.report.convention_summary import title
from rotcheck.report.pages.identification import choices
from rotcheck.results import Identification

FILE = Path(__file__).parent / "parameters_of_classes.py"


@cache
def told(name: str) -> Identification:
    return identify(resolve(f"{FILE}:{name}", "cpu"), torch.device("cpu")).identification


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("WholeRotary", "partial_rotary_factor"),
        ("UnscaledRotary", "scaling_factor"),
        ("FixedTheta", "rope_theta"),
    ],
)
def test_a_number_without_an_effect_is_named(name: str, parameter: str) -> None:
    assert told(name).answer == "unknown"
    assert f"`{parameter}` changes nothing" in title(told(name))


@pytest.mark.parametrize(
    "name", ["PartialRotary", "LinearRotary", "ChosenRotary", "AmplifiedRotary", "OtherBase"]
)
def test_a_number_with_an_effect_is_not(name: str) -> None:
    assert told(name).answer == "right"


def test_an_amplitude_that_an_object_keeps_is_no_mistake() -> None:
    found = told("RotaryOfAmplitude")
    assert found.answer == "unknown"
    assert any("its `scale`" in each for each in choices(found))


def test_a_configuration_of_class_attributes_is_read() -> None:
    assert "it says Linear(factor=4.0" in (told("ConfiguredRotary").message or "")


def test_lanes_outside_of_the_rotary_ones_are_named() -> None:
    found = told("rotary_of_head")
    assert found.answer == "unknown"
    assert "pairs lane 0 with lane 32, outside of the first 32 lanes" in (found.message or "")


def test_what_moves_keys_by_a_difference_of_positions_is_not_accused() -> None:
    assert told("rerotate_keys").answer == "unknown"


def test_a_flag_that_must_be_given_is_tried_as_a_flag() -> None:
    found = told("apply_rotary")
    assert found.answer == "right"
    assert found.convention
    assert found.convention.argument_order == ("x", "cos", "sin", "True")
