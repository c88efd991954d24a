"""Reads a file that somebody names: whatever it is, no wait is for ever,
and none fills the memory."""

import ast
import codecs
import errno
import io
import os
import select
import stat
import time
import tokenize
import tomllib
from pathlib import Path
from typing import IO, Any

LARGEST = 1 << 24  # bytes of what people write by hand
WAIT = 10.0  # seconds for all that a pipe or a terminal has to give
_PIECE = 1 << 20
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""The byte order marks with which a text may begin, each with the encoding that it says."""
_DEEP = "it is nested too deeply"


def contents(file: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a file or of a pipe.

    Raises `OSError`, its `strerror` in plain words, also for what is larger than `largest` bytes,
    for a pipe to which nobody writes, and for what does not end within `WAIT` seconds.
    """
    deadline = time.monotonic() + WAIT
    with open(
        os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb", buffering=0
    ) as source:
        kind = os.fstat(source.fileno()).st_mode
        if stat.S_ISREG(kind) and os.fstat(source.fileno()).st_size > largest:
            raise _too_large(largest)
        data = bytearray()
        while piece := _piece(source, deadline):
            data += piece
            if len(data) > largest:
                raise _too_large(largest)
        if not data and stat.S_ISFIFO(kind):
            raise OSError(errno.EPIPE, "it is a pipe that nothing writes to")
        return bytes(data)


def _piece(source: IO[bytes], deadline: float) -> bytes:
    """What there is to read next; nothing at the end."""
    while (piece := source.read(_PIECE)) is None:  # the other end of a pipe takes its time
        if not select.select([source], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise OSError(
                errno.ETIMEDOUT, f"it is not an ordinary file, and does not end within {WAIT:g} s"
            )
    return piece


def _too_large(largest: int) -> OSError:
    return OSError(errno.EFBIG, f"it holds more than {largest >> 20} MiB")


def marked_encoding(data: bytes) -> str:
    """The encoding that the byte order mark of a text says; "" for one without."""
    return next((encoding for mark, encoding in MARKS.items() if data.startswith(mark)), "")


def toml(file: Path) -> dict[str, Any]:
    """What a TOML file says, a byte order mark or not.

    Raises `OSError` as `contents` does, and `ValueError` with why it is no TOML.
    """
    data = contents(file)
    if kind := marked_encoding(data).removeprefix("utf-8"):
        raise ValueError(f"it is written in {kind[:6].upper()}; save it as UTF-8")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(
            f"byte 0x{data[error.start]:02x} in line {line} is not UTF-8; save it as UTF-8"
        ) from error
    except RecursionError as error:
        raise ValueError(_DEEP) from error


def python(data: bytes) -> str:
    """The text of a Python file, in the encoding that its first lines name, with plain line ends.

    Raises `SyntaxError` for an encoding that there is not,
    and `UnicodeDecodeError` for bytes that are not of it.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def parsed(file: Path) -> ast.Module:
    """A Python file as parsed.

    Raises `OSError` as `contents` does, `SyntaxError`, and `ValueError` for what
    the parser cannot hold.
    """
    try:
        return ast.parse(contents(file))
    except (RecursionError, MemoryError) as error:  # what the parser says of its own stack
        raise ValueError(_DEEP) from error
