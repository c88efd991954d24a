"""`rotcheck explain`: from an error message or a log to its cause and fix."""

import os
import stat
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from rotcheck.cli import exit_guard, input_pipe
from rotcheck.cli.session import Session, command
from rotcheck.diagnose import Failure, Message
from rotcheck.errors import RequestError
from rotcheck.exit_codes import INTERRUPT, REQUEST, RIGHT

if TYPE_CHECKING:
    from rotcheck.log.events import Log

Text = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TEXT_FILE_OR_ID",
        help="An error message, the name of a log, or the id of a failure or of a finding; - reads standard "
        "input to its end. None: list all that is known.",
    ),
]
# suffixes of files that are no message
LOGS = (".log", ".txt", ".out", ".err", ".md", ".html", ".json", ".jsonl")  # fmt: skip
STANDARD_INPUT = ("-", "/dev/stdin")
HEAD = 4096  # bytes by which text is told from other files
CONTROL = frozenset(range(1, 32)) - frozenset(b"\t\n\r\f\b\x1b\a")


@command("explanation")
def explain(session: Session, text: Text = None) -> int:
    """Name what ended a run, its cause and its fix.

    From an error message, a log or a description in words.

    Without one, all failures that are known are listed.

    \b
    Examples:
      rotcheck explain "NotImplementedError: Unknown device for graph fuser"
      rotcheck explain train.log
      python train.py 2>&1 | rotcheck explain -
      rotcheck explain J1

    Exit code 0: known, or the run ended well. 2: not known, or the request cannot be carried out.
    """
    entries = entry_named(" ".join(text)) if text else everything()
    if entries:
        return session.show_data(entries, "failures")
    from rotcheck.diagnose.explanation import explain

    explanation = explain(read(text or []))
    session.show_data(explanation)
    if session.quiet and not explanation.answered:
        exit_guard.say("rotcheck: no known failure or message has this text")
    if input_pipe.was_interrupted():
        return INTERRUPT
    return RIGHT if explanation.answered else REQUEST


def entry_named(text: str) -> Sequence[Failure | Message]:
    """The failure or the general message that an id or the code of a finding names;
    () for another text."""
    from rotcheck.diagnose import get, get_message

    name = text.strip()
    entry = get(name) or get_message(name)
    if entry and os.path.isfile(name):
        exit_guard.say(
            f"rotcheck: {name!r}is read as an id; `rotcheck explain ./{name}` reads the file"
        )
    return [entry] if entry else []


def everything() -> Sequence[Failure | Message]:
    """All failures and general messages."""
    from rotcheck.diagnose import all_failures, all_messages

    return [*all_failures(), *all_messages()]


def read(words: Sequence[str]) -> "Log":
    """What the message, the file or the pipe tells;
    raises `RequestError` when it cannot be read."""
    from rotcheck import log

    text = " ".join(words)
    if text in STANDARD_INPUT:
        if sys.stdin is None:
            raise RequestError("there is no standard input to read")
        return _text(sys.stdin.buffer, "standard input")
    if _is_there(text):
        if any(character.isspace() for character in text):
            exit_guard.say(f"rotcheck: reading the file {text!r}")
        with _open(text) as stream:
            return _text(stream, repr(text))
    if sum(map(_is_there, words)) == len(words) > 1:
        raise RequestError(f"{len(words)} files: explain reads one log at a time")
    if len(words) == 1 and _is_path(text):
        raise RequestError(f"there is no file {text!r}; put a message in quotes, as it was printed")
    if not text.strip():
        raise RequestError("the message is empty")
    return log.read_text(text)


def _text(stream: BinaryIO, name: str) -> "Log":
    """What a stream tells that holds text."""
    from rotcheck import log
    from rotcheck.file_contents import MARKS

    head: bytes = getattr(stream, "peek", lambda size: b"")(HEAD)[:HEAD]
    unread = sum(byte in CONTROL for byte in head)
    if unread > len(head) / 50 and not head.startswith(tuple(MARKS)):
        raise RequestError(
            f"{name} is not text: {unread} of its first {len(head)} bytes are control characters"
        )
    log_ = log.read(stream)
    if log_.size < HEAD and not log_.prose.strip():
        raise RequestError(f"{name} is empty")
    return log_


def _open(path: str) -> BinaryIO:
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise RequestError(f"{path!r} is a folder; name the log in it")
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise RequestError(
            f"{path!r} is a device, which has no end; name a file, or - for standard input"
        )
    try:
        return open(path, "rb")
    except OSError as error:
        raise RequestError(f"{path!r} cannot be read: {error.strerror}") from error


def _is_there(path: str) -> bool:
    try:
        return os.path.exists(path)
    except ValueError:  # a message may hold what no name of a file can
        return False


def _is_path(text: str) -> bool:
    """Whether it reads like the name of a file rather than like a message."""
    if any(character.isspace() for character in text):
        return False
    return text.lower().endswith(LOGS) or text.startswith(("/", "./", "../", "~")) or "\\" in text
