"""Slips in right functions are found, none is taken for its original, and what departs is named."""

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from judging import judged, result, told_of, wrong
from mutants import mutants
from originals import originals

NAMES = (
    "native",
    "fair-esm",
    "transformers-llama",
    "rotary-embedding-torch",
    "functions_half:any_arguments",
)
EVERY = 4  # of those that are wrong; all of them: score.py


@pytest.fixture(scope="module")
def verdicts() -> list[tuple[str, str, str, bool, str]]:
    """What is said of every fourth wrong mutant of these."""
    found = []
    seen: Counter[str] = Counter()
    for original in originals(NAMES):
        right = result(original.function, original)
        assert right is not None
        own = told_of(original.function)
        for mutant in mutants(original.function):
            seen["wrong"] += bool(wrong(mutant, original, right))
            if wrong(mutant, original, right) and seen["wrong"] % EVERY == 0:
                verdict = judged(mutant, original, own)
                where = f"{original.name}: {mutant.line}"
                found.append((where, verdict.declared, verdict.told, verdict.named, verdict.words))
    return found


def test_with_the_convention_declared_every_wrong_one_is_found(
    verdicts: list[tuple[str, str, str, bool, str]],
) -> None:
    assert len(verdicts) >= 10
    assert [where for where, declared, *_ in verdicts if declared != "wrong"] == []


def test_without_it_none_is_taken_for_its_original(
    verdicts: list[tuple[str, str, str, bool, str]],
) -> None:
    assert [where for where, _, told, *_ in verdicts if told == "taken"] == []


def test_what_departs_is_named(verdicts: list[tuple[str, str, str, bool, str]]) -> None:
    unnamed = [(where, words) for where, _, _, named, words in verdicts if not named]
    assert len(unnamed) <= len(verdicts) / 10, unnamed
