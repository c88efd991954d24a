"""What rotates nothing, or does not come back:
said so, with what was tried, and never a convention."""

import functions_without_rotation
import pytest
from identifying import told

from rotcheck.identify.run import identify_all
from rotcheck.results import Identification

FILE = functions_without_rotation.__file__
DEAD = {"hangs": "no answer within 8 s", "aborts": "SIGABRT", "leaves": "7"}
NOTHING = {
    "identity": "x comes back as it was: cos and sin turn nothing",
    "copies": "q and k come back as they were: cos and sin turn nothing",
    "adds_positions": "",
    "layer_norm": "",
    "random_projection": "more than two",
    "Linear": "more than two",
    "doubles": "",
    "returns_text": "another shape",
    "sums": "another shape",
    "softmax_of_scores": "f(q, k) returns 1 for 2 tensors",
    "raises": "ZeroDivisionError: never works",
    "not_written": "NotImplementedError",
}


def words(found: Identification) -> str:
    return "\n".join([found.message or "", *found.tried, *(one.message for one in found.findings)])


@pytest.mark.parametrize("name", NOTHING)
def test_no_convention_is_made_up(name: str) -> None:
    found = told(f"functions_without_rotation:{name}")
    assert (found.follows, found.convention) == (False, None)
    assert found.message
    assert NOTHING[name] in words(found)
    assert all(one.failure for one in found.findings if one.mistake)


GUESSED = ["two_axes", "of_a_grid", "layer_norm", "doubles", "convert_lanes", "pairs_not_flattened"]


@pytest.mark.parametrize("name", GUESSED)
def test_what_a_guessed_call_gives_back_is_no_mistake_of_the_function(name: str) -> None:
    found = told(f"functions_without_rotation:{name}")
    assert (found.answer, found.convention) == ("unknown", None)
    assert found.tried


@pytest.fixture(scope="module")
def dead() -> dict[str, Identification]:
    """What is told of functions that end their process, beside one that lives."""
    names = [f"{FILE}:{name}" for name in (*DEAD, "raises")]
    found = identify_all([*names, "native"], timeout=8.0)
    return {one.specification.rpartition(":")[2]: one for one in found}


@pytest.mark.parametrize("name", DEAD)
def test_a_process_that_does_not_come_back_is_a_result(
    name: str, dead: dict[str, Identification]
) -> None:
    found = dead[name]
    assert (found.follows, found.convention) == (False, None)
    assert DEAD[name] in str(found.message)
    assert "while it was called" in str(found.message)


def test_its_neighbours_are_identified_all_the_same(dead: dict[str, Identification]) -> None:
    assert "ZeroDivisionError" in words(dead["raises"])
    assert dead["native"].follows
