"""Reads a file that somebody names: whatever it is, no wait is for ever, and none fills the memory."""

import ast
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
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_DEEP = "it is nested too deeply"


def contents(file: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a file or of a pipe.

    Raises `OSError`, its `strerror` in plain words, also for what is larger than `largest` bytes, for a pipe to which
    nobody writes, and for what does not end within `WAIT` seconds.
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


def toml(file: Path) -> dict[str, Any]:
    """What a TOML file says, a byte order mark or not.

    Raises `OSError` as `contents` does, and `ValueError` with why it is no TOML.
    """
    data = contents(file)
    if kind := _MARKS.get(data[:2]):
        raise ValueError(f"it is written in {kind}; save it as UTF-8")
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

    Raises `SyntaxError` for an encoding that there is not, and `UnicodeDecodeError` for bytes that are not of it.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def parsed(file: Path) -> ast.Module:
    """A Python file as parsed.

    Raises `OSError` as `contents` does, `SyntaxError`, and `ValueError` for what the parser cannot hold.
    """
    try:
        return ast.parse(contents(file))
    except (RecursionError, MemoryError) as error:  # what the parser says of its own stack
        raise ValueError(_DEEP) from error
