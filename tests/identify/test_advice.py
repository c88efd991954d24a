"""What to do next, whether or not a worker came back with an answer;
and names that tell files apart."""

import pytest

from rotcheck import __version__
from rotcheck.identify.front_identity import distinct_names, identity_of
from rotcheck.identify.telling import next_step
from rotcheck.isolation import Died, Done, Job, OverMemory, Returned, TimedOut
from rotcheck.isolation.outcome import Outcome
from rotcheck.results import Description, Identification


def of(specification: str, **fields: object) -> Identification:
    plain = {"torch": None, "device": "cpu", "follows": False, "convention": None} | fields
    return Identification(rotcheck=__version__, specification=specification, **plain)  # type: ignore[arg-type]


def done(outcome: Outcome, device: str = "cpu") -> Done:
    setup = {"specification": "model.py:Attention", "shown": "model.py:Attention", "device": device}
    return Done(Job("model.py:Attention", "", setup, [None]), 0, outcome)


@pytest.mark.parametrize(
    ("outcome", "device", "said"),
    [
        (
            OverMemory(6.1, 6.0),
            "cpu",
            "the object is too large: write a function without arguments that builds Attention small",
        ),
        (TimedOut(60.0, ()), "cpu", "--timeout 300"),
        (TimedOut(60.0, ()), "cpu", "@rotcheck.declare("),
        (Died(-11, (), ""), "cpu", "@rotcheck.declare("),
        (
            Returned({"unbuilt": "asks for 'axes_dim'"}, 0.1),
            "cpu",
            "def build(): return Attention(...)",
        ),
    ],
)
def test_what_did_not_come_back_is_not_understood_and_says_the_next_step(
    outcome: Outcome, device: str, said: str
) -> None:
    told = identity_of(done(outcome, device)).identification
    assert told.answer == "unknown"
    assert said in "\n".join(told.advice)


@pytest.mark.parametrize(
    ("kind", "command"), [("applies", "compare"), ("both", "context"), ("builds", "context")]
)
def test_what_is_right_goes_on_with_the_next_command(kind: str, command: str) -> None:
    right = of("model.py:rope", follows=True, convention=Description(kind=kind))  # type: ignore[arg-type]
    assert (
        next_step.next_step(right, "here/model.py:rope")
        .advice[0]
        .startswith(f"rotcheck {command} here/model.py:rope  (")
    )
    assert next_step.next_step(of("model.py:rope"), "here/model.py:rope").advice == ()


def test_two_files_of_one_name_are_told_apart() -> None:
    asked = ["a/one/model.py:rope", "b/one/model.py:rope", "a/other.py:rope", "native"]
    told = distinct_names(
        asked, [of("model.py:rope"), of("model.py:rope"), of("other.py:rope"), of("native")]
    )
    names = [one.specification for one in told]
    assert names == ["a/one/model.py:rope", "b/one/model.py:rope", "other.py:rope", "native"]
