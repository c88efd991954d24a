"""Writes a file so that nobody ever finds half of it,
and says before the work begins when it cannot."""

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rotcheck.errors import RequestError

_STREAM = re.compile(r"/dev/(stdout|stderr|fd/\d+)")


def check(paths: Sequence[str]) -> None:
    """Raise `RequestError` when one of the files could not be written; leaves nothing behind."""
    for path in paths:
        try:
            _check(path)
        except (OSError, RuntimeError, ValueError) as error:  # a name too long, links in a circle
            raise _refusal(path, error) from error
    files = [os.path.realpath(path) for path in paths]
    for path, file in zip(paths, files):
        if files.count(file) > 1:
            raise RequestError(f"--output {path!r} is named twice; each file is written once")


def write(path: str, text: str | bytes) -> None:
    """Write the file: all of it or nothing, its permissions kept;
    a pipe or device is written as it is.

    Raises `RequestError` when the system refuses.
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    try:
        if _is_stream(path):
            stream_name = _STREAM.fullmatch(path)
            # A stream of ours is written where it stands: opened anew, it would begin at 0 again.
            with open(os.dup(_descriptor(stream_name[1])) if stream_name else path, "wb") as stream:
                stream.write(data)
        else:
            _replace(Path(path).resolve(), data)
    except OSError as error:
        raise _refusal(path, error) from error


def _check(path: str) -> None:
    if path in ("", "-"):
        raise RequestError(
            f"--output {path!r} is not a file; --format chooses what standard output gets"
        )
    if _is_stream(path):
        return
    target = Path(path).resolve()
    if target.is_dir():
        raise RequestError(f"--output {path!r} is a folder; name a file in it")
    if target.exists() and not os.access(target, os.W_OK):
        raise RequestError(f"--output {path!r} cannot be written: it is read-only")
    if not target.parent.is_dir():
        raise RequestError(
            f"--output {path!r} cannot be written: there is no folder {str(Path(path).parent)!r}"
        )
    with tempfile.TemporaryFile(dir=target.parent):
        return  # a file can be made here, and nothing of it is left


def _is_stream(path: str) -> bool:
    """Whether the path is a pipe, a device or one of this process's own streams (/dev/stdout)."""
    file = Path(path)
    return file.exists() and not file.is_dir() and (not file.is_file() or path.startswith("/dev/"))


def _descriptor(name: str) -> int:
    return {"stdout": 1, "stderr": 2}.get(name) or int(name.rpartition("/")[2])


def _replace(target: Path, data: bytes) -> None:
    """Write beside the file and put it in the file's place in one step."""
    handle, beside = tempfile.mkstemp(prefix=f".{target.name[:80]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, _mode(target))
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _mode(target: Path) -> int:
    """The permissions that the file has, or those that a new file gets."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _refusal(path: str, error: Exception) -> RequestError:
    return RequestError(
        f"--output {path!r} cannot be written: {getattr(error, 'strerror', None) or error}"
    )
