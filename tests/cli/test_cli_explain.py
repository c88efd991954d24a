"""`rotcheck explain`: from an id, a message or a log to cause and fix; what is not known is said."""

import json

import pytest
from terminal import rotcheck

from rotcheck.diagnose import all_failures, get

MESSAGE = "NotImplementedError: Unknown device for graph fuser"


@pytest.mark.parametrize("arguments", [["J1"], ["j1"], [MESSAGE], MESSAGE.split()])
def test_an_id_and_a_message_lead_to_the_failure(arguments: list[str]) -> None:
    ran = rotcheck("explain", *arguments)
    assert ran.code == 0
    assert ran.out.startswith("J1  ")
    assert ran.err == ""
    for label in ("cause", "fix", "devices", "versions", "sources"):
        assert f"\n  {label} " in ran.out


def test_a_log_is_read_from_standard_input() -> None:
    log = f"step 1\n\udcff\x00 not text\n{'x' * 100_000}\nTraceback ...\n{MESSAGE}\n"
    ran = rotcheck("explain", "-", text=log)
    assert ran.code == 0
    assert ran.out.startswith("J1  ")


@pytest.mark.parametrize("arguments", [["zork"], ["-"], ["J999"], [" "]])
def test_what_is_not_known_is_said_with_what_to_do(arguments: list[str]) -> None:
    ran = rotcheck("explain", *arguments, text="all is well")
    assert ran.code == 2
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1
    assert "`rotcheck explain` lists what is known" in ran.err


def test_without_a_text_all_failures_are_listed() -> None:
    ran = rotcheck("explain")
    listed = [line.split()[0] for line in ran.out.splitlines() if line and not line.startswith(" ")]
    assert ran.code == 0
    assert listed[:-1] == [failure.id for failure in all_failures()]


def test_json_holds_the_whole_entry() -> None:
    known = get("J1")
    read = json.loads(rotcheck("explain", "--format", "json", "J1").out)
    assert known is not None
    assert read[0]["signatures"] == list(known.signatures)
    assert len(read) == 1


def test_markdown_is_a_heading_and_what_is_known() -> None:
    assert rotcheck("explain", "--format", "markdown", "J1").out.startswith("### J1: ")
