"""What a question about a function gets and gives: a file of this room with a `QUESTION` is asked.

A `CallQuestion` is asked of the call as it was found, by what comes back of it. A `ValueQuestion`
is asked of values, and only while no mistake is known: one mistake shows in many values.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from rotcheck.identify import asking
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.calling.call_match import Match
from rotcheck.measure.case import Sizes
from rotcheck.results import FieldEvidence, Remark


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question brings to light."""

    remarks: tuple[Remark, ...] = ()
    evidence: tuple[FieldEvidence, ...] = ()
    doubt: str | None = None  # why a function that makes its own angles is not understood


@dataclass(frozen=True, slots=True)
class CallQuestion:
    """A question about the call as it was found; those of a lower rank are asked first."""

    rank: int
    ask: Callable[[Match], Answer]
    explains_all: bool = False  # what it finds explains all else: nothing else is said then


@dataclass(frozen=True, slots=True)
class ValueQuestion:
    """A question about values; a round is only asked if nothing was wrong in those before."""

    round: int
    rank: int  # in its round
    ask: Callable[[FunctionUnderTest, Sizes, Match], list[Remark]]
    of_unjudged: bool = (
        False  # asked too of a function whose values are not judged for another reason
    )


Question = TypeVar("Question", CallQuestion, ValueQuestion)


def call_questions() -> list[CallQuestion]:
    """All questions about a call, in the order in which they are asked."""
    return sorted(_questions(CallQuestion), key=lambda question: question.rank)


def value_questions() -> list[ValueQuestion]:
    """All questions about values, in the order in which they are asked."""
    return sorted(_questions(ValueQuestion), key=lambda question: (question.round, question.rank))


def _questions(kind: type[Question]) -> list[Question]:
    return [question for question in _of_this_room() if isinstance(question, kind)]


@cache
def _of_this_room() -> tuple[CallQuestion | ValueQuestion, ...]:
    names = [module.name for module in pkgutil.iter_modules(asking.__path__)]
    modules = [importlib.import_module(f"{asking.__name__}.{name}") for name in names]
    return tuple(module.QUESTION for module in modules if hasattr(module, "QUESTION"))


def ask_call(match: Match, first: Answer) -> Answer:
    """What all questions about a call bring to light, behind what is known, and the first doubt."""
    answers = [(question, question.ask(match)) for question in call_questions()]
    explanation = [
        remark for question, answer in answers if question.explains_all for remark in answer.remarks
    ]
    parts = [first, *(answer for _, answer in answers)]
    return Answer(
        tuple(explanation or (remark for answer in parts for remark in answer.remarks)),
        tuple(fact for answer in parts for fact in answer.evidence),
        next((answer.doubt for answer in parts if answer.doubt), None),
    )


def has_mistake(remarks: Iterable[Remark]) -> bool:
    """Whether any of these is a mistake, and not a choice."""
    return any(remark.mistake for remark in remarks)


def ask_values(
    function: FunctionUnderTest,
    sizes: Sizes,
    match: Match,
    remarks: list[Remark],
    *,
    with_values: bool,
) -> list[Remark]:
    """What the questions about values bring to light; none is asked once a mistake is known.

    `remarks`: what is known already. `with_values`: whether the values of its usual call were held
    against float64.
    """
    more: list[Remark] = []
    questions = [each for each in value_questions() if with_values or each.of_unjudged]
    for number in sorted({question.round for question in questions}):
        if has_mistake([*remarks, *more]):
            break
        for question in questions:
            if question.round == number:
                more += question.ask(function, sizes, match)
    return more
