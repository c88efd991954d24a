"""Whether a mutant is wrong, and what rotcheck says of it."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mutants import Mutant
from originals import CPU, Original
from torch import Tensor

from rotcheck.compare.checks import names as check_names
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.function_identification import identify
from rotcheck.implementations.target import Target
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.subject import Subject
from rotcheck.results import FINDINGS, Identification
from rotcheck.testing.check_runner import CheckRunner

ROWS = 300
OTHER = 1e-4  # two values of float64 that are further apart are not the same
VAGUE = (  # what is said where nothing is said of the departure
    "lanes hold what is neither",
    "a lane is not made of",
    "a lane depends on more",
    "its result is not the sum",
    "no known mistake gives this result",
    "the two lanes of a pair turn by different angles",
    "the angle depends on",
    "hold something else than the rotation",
    "writes its lanes in an order of its own",
    "with a number",
    "is wrong for no known reason",
    "for other sizes: ",
    " raises ",
    "adds sin times the other lane to both lanes of a pair: no rotation (",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a wrong mutant: `declared` right or wrong;
    `told` wrong, unknown, another, or taken for right."""

    declared: str
    told: str
    named: bool
    words: str


def result(function: Callable[..., Any], original: Original) -> tuple[Tensor, ...] | None:
    """Return what comes back in the original's call at 300 rows in float64;
    None: it raises, or is no such thing."""
    asked = FunctionUnderTest(function, original.convention, CPU)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case = Case(asked, torch.float64, Sizes(positions=tuple(range(ROWS))))
            return tuple(one.clone() for one in asked(case.call()))
    except Exception:  # whatever a mutant raises
        return None


def wrong(mutant: Mutant, original: Original, right: tuple[Tensor, ...]) -> bool | None:
    """Return whether a mutant gives other values than its original; None: it does not run."""
    got = result(mutant.function, original)
    if got is None or any(
        one.shape != other.shape or one.dtype != other.dtype for one, other in zip(got, right)
    ):
        return None
    return any(not bool((one - other).abs().max() < OTHER) for one, other in zip(got, right))


def told_of(function: Callable[..., Any]) -> list[Identification]:
    """Return what is told of a function, and of each of its flags the other way round."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = identify(Target(function, None), CPU)
        return [
            made.identification,
            *(made.with_flag(flag) for flag in made.flags if made.with_flag),
        ]


def judged(mutant: Mutant, original: Original, own: Sequence[Identification]) -> Verdict:
    """Return what is said of a wrong mutant,
    with the original's convention declared and without."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        declared = _declared(mutant, original)
    told = told_of(mutant.function)
    states = [_state(*both, original) for both in zip(told, own)] + ["another"] * (
        len(told) != len(own)
    )
    state = min(states, key=("wrong", "unknown", "another", "taken").index)
    words = "; ".join(_words(one) for one, said in zip(told, states) if said == state)
    return Verdict(declared, state, state == "another" or _named(words), words)


def _declared(mutant: Mutant, original: Original) -> str:
    subject = Subject(Target(mutant.function, original.convention), "cpu")
    trial = CheckRunner(subject, "mutant", "cpu")
    for check in ("forward", *check_names("quick")):
        if trial.cell("float32", check).verdict in FINDINGS:
            return "wrong"
    return "right"


def _state(told: Identification, own: Identification, original: Original) -> str:
    if any(one.mistake for one in told.findings):
        return "wrong"
    if not told.follows or told.convention is None:
        return "unknown"
    same_call = told.convention.argument_order == original.convention.called_with
    return "taken" if same_call and _alike(told, own) else "another"


def _alike(told: Identification, own: Identification) -> bool:
    """Return whether two functions are told in the same words,
    but for dtypes and what else they take."""
    if told.convention is None or own.convention is None:
        return told.convention is own.convention
    fields = (
        "pairing",
        "direction",
        "output_lanes",
        "tables",
        "table_lanes",
        "argument_order",
        "rotary_dim",
        "blocks",
    )
    fields += ("theta", "schedule", "rotates_v", "head_dim", "layout")
    same = all(
        getattr(told.convention, field) == getattr(own.convention, field) for field in fields
    )
    return same and _choices(told) == _choices(own)


def _choices(told: Identification) -> set[str]:
    return {one.code for one in told.findings}


def _words(told: Identification) -> str:
    """Return what a user reads of it: its mistakes, or else what was seen and is in doubt,
    and what was tried."""
    said = [one.message for one in told.findings if one.mistake]
    seen = [one.message for one in told.findings if one.message.startswith("seen, and in doubt")]
    return "; ".join(said or [*seen, *told.tried, told.message or ""])


def _named(words: str) -> bool:
    return (
        bool(words)
        and not all(any(vague in part for vague in VAGUE) for part in words.split("; "))
        and ("runs, and" in words or "no call that was tried" not in words)
    )
