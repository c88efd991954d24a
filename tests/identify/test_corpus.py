"""What is found out about functions in the styles of the field,
and about the mistakes that are made with them."""

import re
import statistics
import time
from functools import cache

import functions_builders
import functions_half
import functions_interleaved
import functions_like_kernels
import functions_mistaken
import functions_multimodal
import functions_one_tensor
import functions_own
import functions_packed_sequences
import msgspec
import pytest
from identifying import departures, layouts, told

from rotcheck import diagnose
from rotcheck.results import Identification, identified_code

MODULES = (
    functions_half,
    functions_interleaved,
    functions_own,
    functions_builders,
    functions_mistaken,
    functions_multimodal,
    functions_packed_sequences,
    functions_like_kernels,
    functions_one_tensor,
)
EVERY = [f"{module.__name__}:{name}" for module in MODULES for name in module.expect.expected]
EXPECTED = {
    f"{module.__name__}:{name}": wanted
    for module in MODULES
    for name, wanted in module.expect.expected.items()
}
BUDGET = 1.5  # seconds of one core, for a healthy function on a busy machine

each = pytest.mark.parametrize("specification", EVERY)


@cache
def found(specification: str) -> tuple[Identification, float]:
    """Return what is told of a function, and the seconds of this process that it took."""
    started = time.process_time()
    told_of_it = told(specification)
    return told_of_it, time.process_time() - started


def test_the_corpus_is_large() -> None:
    assert len(EVERY) >= 100
    assert sum(not wanted.get("mistakes") for wanted in EXPECTED.values()) >= 60


@each
def test_its_convention_and_its_mistakes_are_found(specification: str) -> None:
    assert departures(found(specification)[0], EXPECTED[specification]) == []


@each
def test_what_is_told_is_whole(specification: str) -> None:
    """Every line says what told so, every mistake its cause and fix;
    nothing is a guess among one."""
    one = found(specification)[0]
    assert one.call is not None
    assert all(line.field and line.says and line.because for line in one.evidence)
    for remark in one.findings:
        known = diagnose.for_finding(remark.code)
        assert known is not None
        assert remark.message
        assert (remark.failure, remark.cause, remark.fix) == (known.id, known.cause, known.fix)
    for unknown in one.ambiguous:
        assert len(set(unknown.possible)) == len(unknown.possible) >= 2
        assert unknown.why


@each
def test_what_cannot_be_known_is_null(specification: str) -> None:
    """A field of which several things remain possible is listed, not guessed."""
    one = found(specification)[0]
    fields = msgspec.to_builtins(one.convention) if one.convention else {}
    if fields and fields["kind"] != "builds" and fields["layout"] is None:
        assert len(layouts(one)) >= 2


@each
def test_the_exit_code_follows_from_it(specification: str) -> None:
    wanted = EXPECTED[specification]
    assert identified_code((found(specification)[0],)) == int(
        bool(wanted.get("mistakes") or wanted.get("unknown"))
    )


def test_a_healthy_function_is_identified_within_the_budget() -> None:
    healthy = [name for name in EVERY if not {"mistakes", "unknown"} & set(EXPECTED[name])]
    times = {name: found(name)[1] for name in healthy}
    slow = {name: f"{seconds:.2f}" for name, seconds in times.items() if seconds > 2 * BUDGET}
    assert statistics.median(times.values()) < BUDGET / 2
    assert slow == {}


def test_no_line_speaks_in_letters_of_axes() -> None:
    """`(1, S, 3, 1, D)` is understood, `1s31w` is not."""
    for name in EVERY:
        one = found(name)[0]
        said = [
            *(line.says for line in one.evidence),
            *one.also,
            *(p for a in one.ambiguous for p in a.possible),
        ]
        assert [text for text in said if re.search(r"\b[bs1]*[s13]+w\b|\bbsw\b", text)] == []
