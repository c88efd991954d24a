"""Colour, width and characters: what the user asked for, else what the screen can show."""

import re

import pytest
from terminal import in_terminal, left_on_screen, rotcheck

ASK = ["explain", "J1"]
PLAIN = re.compile(r"\x1b\[[\d;]*m")


def test_a_pipe_gets_no_colour_and_100_columns() -> None:
    out = rotcheck(*ASK).out
    assert "\x1b" not in out
    assert 80 < max(map(len, out.splitlines())) <= 100


def test_a_terminal_gets_colour_and_its_own_width() -> None:
    for width in (80, 160):
        screen = in_terminal(*ASK, width=width).err
        lines = PLAIN.sub("", screen).splitlines()
        assert "\x1b[1m" in screen
        assert width - 20 < max(map(len, lines)) <= width


def test_the_words_are_the_same_in_colour() -> None:
    lines = [line.rstrip() for line in PLAIN.sub("", in_terminal(*ASK, width=100).err).splitlines()]
    assert lines == rotcheck(*ASK).out.splitlines()


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}])
def test_no_color_is_respected(more: dict[str, str]) -> None:
    assert "\x1b" not in in_terminal(*ASK, **more).err


def test_an_empty_no_color_means_nothing() -> None:
    assert "\x1b[" in in_terminal(*ASK, NO_COLOR="").err


def test_the_option_no_color_wins_over_everything() -> None:
    assert "\x1b" not in in_terminal(*ASK, "--no-color", FORCE_COLOR="1").err


def test_a_dumb_terminal_gets_no_colour() -> None:
    assert "\x1b" not in in_terminal(*ASK, TERM="dumb").err


@pytest.mark.parametrize("name", ["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_colour_can_be_asked_for_in_a_pipe(name: str) -> None:
    assert "\x1b[1m" in rotcheck(*ASK, **{name: "1"}).out
    assert "\x1b" not in rotcheck(*ASK, **{name: "0"}).out


def test_a_ci_log_gets_colour_only_when_asked_for() -> None:
    assert "\x1b" not in rotcheck(*ASK, GITHUB_ACTIONS="true").out
    assert "\x1b[1m" in rotcheck(*ASK, GITHUB_ACTIONS="true", FORCE_COLOR="1").out


def test_columns_is_honoured() -> None:
    assert max(map(len, rotcheck(*ASK, COLUMNS="60").out.splitlines())) <= 60


def test_a_screen_of_no_width_is_survived() -> None:
    assert rotcheck(*ASK, COLUMNS="1").code == 0
    assert in_terminal(*ASK, width=0).code == 0


def test_a_stdout_without_unicode_gets_ascii() -> None:
    ran = rotcheck(
        "compare", "native", "--dtype", "float32", "--check", "dtype", PYTHONIOENCODING="ascii"
    )
    assert ran.code == 0
    assert ran.out.isascii()
    assert re.search(r"^native +ok$", ran.out, re.MULTILINE)


def test_json_is_utf_8_whatever_the_terminal_says() -> None:
    utf8 = rotcheck("explain", "--format", "json", "J6")
    assert rotcheck("explain", "--format", "json", "J6", PYTHONIOENCODING="ascii") == utf8


def test_progress_is_shown_in_a_terminal_and_gone_at_the_end() -> None:
    request = ["compare", "native", "--dtype", "float32,bfloat16", "--check", "forward"]
    ran = in_terminal(*request, piped=["stdout"])
    assert ran.code == 0
    assert "native" in ran.out
    assert "starting torch" in ran.err
    assert "cells" in ran.err
    assert "native cpu bfloat16 forward" in PLAIN.sub("", ran.err)
    assert left_on_screen(ran.err) == []


def test_progress_without_colour_has_none() -> None:
    request = ["compare", "native", "--dtype", "float32", "--check", "forward"]
    ran = in_terminal(*request, piped=["stdout"], NO_COLOR="1")
    assert "cells" in ran.err
    assert not re.search(r"\x1b\[[\d;]*3\d", ran.err)


def test_results_stand_alone_on_the_terminal() -> None:
    ran = in_terminal("compare", "native", "--dtype", "float32", "--check", "forward", width=80)
    lines = left_on_screen(ran.err)
    assert lines[0].startswith("rotcheck ")
    assert lines[-1] == "1 cell: 1 agree"
    assert max(map(len, lines)) <= 80


def test_the_screen_of_these_tests_shows_what_was_not_erased() -> None:
    """Otherwise `left_on_screen` could find every screen empty."""
    assert left_on_screen("a\r\x1b[Kb\nc\r\x1b[2K\x1b[1A\r\x1b[K") == []
    assert left_on_screen("cells 1/2\r\ndone") == ["cells 1/2", "done"]
