"""The user's model: what a factory may be, and how one of another form is told what is expected."""

from pathlib import Path

import pytest
import torch

from rotcheck.errors import RequestError
from rotcheck.train import rotation
from rotcheck.train.model_builder import ModelBuilder

MODELS = f"{Path(__file__).parent}/models.py"
CPU = torch.device("cpu")


@pytest.mark.parametrize(("factory", "own"), [("factory", False), ("Tiny", False), ("own", True)])
def test_a_factory_or_a_class_takes_the_rotation_or_keeps_its_own(factory: str, own: bool) -> None:
    assert ModelBuilder(f"{MODELS}:{factory}", 0).has_rotation is own


def test_the_same_seed_builds_the_same_weights_around_any_rotation() -> None:
    recipe = ModelBuilder(f"{MODELS}:factory", 7)
    one = recipe.module(rotation.truth, CPU, torch.float64)
    other = recipe.module(rotation.yardstick, CPU, torch.float32)
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(exact, rounded.double()) for exact, rounded in pairs)


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("no_module", "returned an object of class str; expected a torch.nn.Module"),
        ("no_parameters", "a module without parameters"),
        ("needs_two", "needs rotation, configuration; it is called as factory\\(rotary\\)"),
        ("nothing", "there is no function 'nothing'"),
    ],
)
def test_a_factory_of_another_form_is_told_what_is_expected(factory: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        ModelBuilder(f"{MODELS}:{factory}", 0).module(rotation.truth, CPU, torch.float64)
