"""What is not identified has a mark of its own,
and says first which of its arguments is not understood."""

import functions_without_rotation
import pytest
from identifying import told
from msgspec.structs import replace

from rotcheck.report import formats
from rotcheck.report.document import Display

MODULE = functions_without_rotation.__name__
SAID = {
    "says_nothing": [
        "argument 2, `grid_sizes`: rotcheck does not know this name",
        "argument 3, `flavour`: rotcheck does not know this name",
    ],
    "one_and_more": [],
    "of_keywords": [
        "it takes `**given` and names no argument: nothing says which names it looks for"
    ],
    "of_any_number": [
        "it takes `*given` and names no argument: nothing says how many it takes, or what they are"
    ],
    "of_anything": [
        "it takes `*args, **kwargs` and names no argument: nothing says how many it takes, or what they are"
    ],
    "raises": [],
    "chooses_by_number": [],
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_not_understood_stands_before_what_was_tried(name: str) -> None:
    tried = told(f"{MODULE}:{name}").tried
    assert list(tried[: len(SAID[name])]) == SAID[name]
    calls = tried[len(SAID[name]) :]
    assert len(calls) <= 3
    assert calls or name == "of_keywords"  # of which nothing could be tried
    assert all(text.startswith("f(") for text in calls)


def test_the_calls_that_are_told_came_to_different_ends() -> None:
    calls = [text for text in told(f"{MODULE}:says_nothing").tried if text.startswith("f(")]
    ends = [text.partition(") ")[2].partition(":")[0] for text in calls]
    assert len(set(ends)) == len(ends)


@pytest.mark.parametrize(
    ("name", "signs", "headline"),
    [
        ("raises", ("?", "?"), "not identified"),
        ("of_a_grid", ("?", "?"), "not identified"),
        ("identity", ("✗", "XX"), "x comes back as it was: cos and sin turn nothing"),
    ],
)
def test_not_identified_and_wrong_have_marks_of_their_own(
    name: str, signs: tuple[str, str], headline: str
) -> None:
    found = [replace(told(f"{MODULE}:{name}"), specification=name)]
    for sign, look in zip(signs, (Display(), Display(ascii=True)), strict=True):
        assert formats.render("table", "identification")(found, look).startswith(
            f"{sign} {name}: {headline}\n"
        )
        assert formats.render("markdown", "identification")(found, look).startswith(
            f"### {sign} {name}: {headline}\n"
        )
        marks = [
            line[:2].strip()
            for line in formats.render("table", "identification")(found, look).splitlines()
            if line[:1] in "✗?X✓"
        ]
        assert list(filter(None, marks)) == [sign]  # and the mistake is told once


def test_the_last_line_tells_them_apart() -> None:
    ends = [
        formats.render("table", "identification")(
            [told(f"{MODULE}:{name}")], Display()
        ).splitlines()[-1]
        for name in ("raises", "identity")
    ]
    assert ends == ["not identified", "follows no convention"]
