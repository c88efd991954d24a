"""How an identification reads: the mistake first, what told so beside it,
nothing wider than the terminal."""

from functools import cache

import functions_half
import functions_mistaken
import functions_own
import pytest
from identifying import told
from msgspec.structs import replace

from rotcheck.identify.run import identify
from rotcheck.identify.swapping.likeness import likeness
from rotcheck.report import formats
from rotcheck.report.document import Display
from rotcheck.results import Identification

NAMES = [
    f"{m.__name__}:{n}"
    for m in (functions_half, functions_own, functions_mistaken)
    for n in list(m.expect.expected)[:6]
]


@cache
def named(name: str) -> Identification:
    return replace(told(name), specification=name, seconds=0.25)


def _demonstrations(one: Identification) -> list[str]:
    return [line for each in one.findings for line in (each.demonstration or "").splitlines()]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Titles stay on one line, to be found again."""
    other = named("functions_half:batched_tables")
    every = [named(name) for name in NAMES]
    shown = formats.render("table", "identification")(
        [replace(one, likeness=likeness(one, other, "other")) for one in every],
        Display(width=width),
    )
    code = {
        line.strip()
        for one in every
        for line in (likeness(one, other, "other").adapter or "").splitlines()
    }
    # which is to be pasted as it is
    code |= {line.strip() for one in every for line in _demonstrations(one)}
    wide = [line for line in shown.splitlines() if len(line) > width and line.strip() not in code]
    assert [line for line in wide if not line.startswith(("✓ ", "✗ "))] == []


def test_a_mistake_stands_in_front_with_cause_and_fix() -> None:
    shown = formats.render("table", "identification")(
        [named("functions_mistaken:minus_forgotten")], Display(width=100)
    )
    order = [
        "✗ functions_mistaken:minus_forgotten: adds sin",
        "  cause ",
        "  fix ",
        "explain R100",
        "The nearest convention",
        "  call ",
    ]
    assert sorted(order, key=shown.index) == order


def test_the_convention_of_one_that_is_right_without_a_flag_is_no_nearest_one() -> None:
    found = identify("functions_flagged:tables_of_halves_alone")
    shown = formats.render("table", "identification")([found], Display(width=100))
    assert "✗ functions_flagged:tables_of_halves_alone: with interleaved=True: rotates" in shown
    assert "Its convention otherwise\n  call " in shown
    assert "The nearest convention" not in shown


def test_every_further_mistake_has_a_heading_of_its_own() -> None:
    found = named("functions_mistaken:minus_forgotten")
    twice = replace(
        found, findings=(*found.findings, replace(found.findings[0], message="and another"))
    )
    shown = formats.render("table", "identification")([twice], Display(width=100)).splitlines()
    assert "✗ and another" in shown
    assert sum(line.startswith("✗") for line in shown) == 2


def test_what_told_so_has_a_column_where_there_is_room() -> None:
    narrow, wide = (
        formats.render("table", "identification")(
            [named("functions_half:narrow_tables")], Display(width=width)
        )
        for width in (100, 160)
    )
    assert "half  (basis vectors in a head of 16 lanes: lane 0 leaks into lane 8)" in narrow
    assert "(basis vectors" not in wide
    assert "basis vectors in a head of 16 lanes: lane 0 leaks into lane 8" in wide


def test_what_differs_in_tables_alone_is_one_way_to_call_it() -> None:
    shown = " ".join(
        formats.render("table", "identification")(
            [named("functions_half:just_lines_up")], Display(width=160)
        ).split()
    )
    assert "bshd with tables (1, S, 1, W) or (S, 1, W)" in shown


def test_one_that_rotates_nothing_says_what_was_tried() -> None:
    shown = formats.render("table", "identification")(
        [named("functions_without_rotation:raises")], Display(width=100)
    )
    assert shown.startswith("? functions_without_rotation:raises: not identified\n")
    assert " - f(x, cos, sin) raises ZeroDivisionError: never works" in shown
    assert shown.endswith("not identified, 0.25 s\n")
    assert "| field |" not in formats.render("markdown", "identification")(
        [named("functions_without_rotation:raises")], Display()
    )


def test_a_theta_is_a_number() -> None:
    shown = formats.render("table", "identification")(
        [named("functions_own:OfPositions")], Display(width=100)
    )
    assert "theta       1000000  (angles of all pairs" in shown
    assert "Plain(" not in shown
