"""`rotcheck explain`: from an id, a message or a log to cause and fix;
what is not known is said."""

import json
from pathlib import Path

import pytest
from terminal import Ran, rotcheck

from rotcheck.diagnose import all_failures, all_messages, get, get_message

MESSAGE = "NotImplementedError: Unknown device for graph fuser"
LOG = f"step 1\n\udcff\x00 not text\n{'x' * 100_000}\nTraceback ...\n{MESSAGE}\n"


def told(*arguments: str, text: str = "", cwd: Path | None = None) -> Ran:
    ran = rotcheck("explain", *arguments, text=text, cwd=cwd)
    assert "Traceback (" not in ran.err
    return ran


@pytest.mark.parametrize("arguments", [["J1"], ["j1"], ["jit-executor"], ["G1"]])
def test_an_id_and_a_code_lead_to_what_is_known(arguments: list[str]) -> None:
    ran = told(*arguments)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.split()[0] == {"jit-executor": "J8"}.get(arguments[0], arguments[0].upper())
    assert "\n  sources " in ran.out


@pytest.mark.parametrize(
    "arguments", [[MESSAGE], MESSAGE.split(), [MESSAGE.upper().replace(" ", "  ")]]
)
def test_a_message_leads_to_its_failure(arguments: list[str]) -> None:
    ran = told(*arguments)
    assert (ran.code, ran.err) == (0, "")
    first, _, second, *_ = ran.out.splitlines()
    assert first.upper() == f"LINE 1: {MESSAGE}".upper()
    assert second.startswith("J1  ")
    for label in ("how sure", "cause", "fix", "devices", "versions", "sources"):
        assert f"\n  {label} " in ran.out


def test_a_log_is_read_from_standard_input_and_from_its_file(tmp_path: Path) -> None:
    """Both say the same, with the number of the line."""
    (tmp_path / "my train.log").write_bytes(LOG.encode("utf-8", "surrogateescape"))

    piped, named = told("-", text=LOG), told("my", "train.log", cwd=tmp_path)

    assert piped.code == named.code == 0
    assert piped.out == named.out
    assert piped.out.startswith("line 5: NotImpl")
    assert named.err == "rotcheck: reading the file 'my train.log'\n"


@pytest.mark.parametrize("arguments", [["zork"], ["-"], ["J999"], ["no/such word here"]])
def test_what_is_not_known_is_said_with_what_to_do(arguments: list[str]) -> None:
    """The answer is where every answer is; the exit code says that it is none."""
    ran = told(*arguments, text="all is well")
    assert (ran.code, ran.err) == (2, "")
    assert "\nNot known\n" in ran.out
    assert "docs/add-a-failure.md" in ran.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train.log"], "there is no file 'train.log'"),
        (["/no/such/folder/file"], "there is no file '/no/such/folder/file'"),
        (["."], "'.' is a folder"),
        (["/dev/zero"], "'/dev/zero' is a device"),
        (["a.log", "b.log"], "2 files: explain reads one log at a time"),
        (["a.log", "--format", "junit"], "there is no format 'junit'"),
    ],
)
def test_what_cannot_be_read_is_one_message(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    if arguments != ["train.log"]:
        for name in ("a.log", "b.log"):
            (tmp_path / name).write_text(MESSAGE)
    ran = told(*arguments, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert says in ran.err


def test_an_id_wins_over_a_file_of_that_name(tmp_path: Path) -> None:
    """And says how to read the file."""
    (tmp_path / "J1").write_text("RuntimeError: LLVM Backend not found")

    assert told("J1", cwd=tmp_path).err == (
        "rotcheck: 'J1'is read as an id; `rotcheck explain ./J1` reads the file\n"
    )
    assert "\nJ2  " in told("./J1", cwd=tmp_path).out


@pytest.mark.parametrize(
    ("content", "says"),
    [(bytes(range(256)) * 1000, "is not text"), (b"", "is empty"), (b" \n\n", "is empty")],
)
def test_what_holds_no_text_is_said(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "core").write_bytes(content)

    for ran in (
        told("core", cwd=tmp_path),
        told("-", text=content.decode("utf-8", "surrogateescape")),
    ):
        assert (ran.code, ran.out) == (2, "")
        assert says in ran.err


def test_without_a_text_all_that_is_known_is_listed_and_no_id_is_cut() -> None:
    """R100 was R10 at 80 columns."""
    for columns in ("80", "160"):
        ran = rotcheck("explain", COLUMNS=columns)
        listed = [
            line.split()[0] for line in ran.out.splitlines() if line and not line.startswith(" ")
        ]
        assert ran.code == 0
        assert listed[:-1] == [entry.id for entry in [*all_failures(), *all_messages()]]
        assert max(map(len, ran.out.splitlines())) <= int(columns)


def test_json_holds_the_whole_entry() -> None:
    known = get("J1")
    read = json.loads(told("--format", "json", "J1").out)
    assert known is not None
    assert read[0]["signatures"] == list(known.signatures)
    assert len(read) == 1


def test_json_of_a_text_is_the_explanation() -> None:
    read = json.loads(told("--format", "json", MESSAGE).out)
    assert read["schema"] == "rotcheck/explanation/1"
    assert (read["outcome"], read["answer"]["line"], read["answer"]["failure"]["id"]) == (
        "failed",
        1,
        "J1",
    )


def test_markdown_is_a_heading_and_what_is_known() -> None:
    assert told("--format", "markdown", "J1").out.startswith("### J1: ")
    text = told("--format", "markdown", MESSAGE).out
    assert text.startswith("### J1: ")
    assert f"```text\nline 1: {MESSAGE}\n```" in text


def test_all_causes_of_a_message_are_shown_and_no_signature() -> None:
    message = get_message("G20")
    ran = rotcheck(
        "explain", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
    )
    shown = " ".join(ran.out.split())

    assert message is not None
    assert [cause for cause in message.causes if cause not in shown] == []
    assert "signature" not in shown
