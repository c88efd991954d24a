"""From the bytes of a log in any encoding to blocks of UTF-8 that end where a line ends."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from rotcheck.file_contents import MARKS

BLOCK = 1 << 18  # bytes read at once
_MOST_BYTES = 1 << 20  # bytes of a line, above which it is cut


def blocks(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield (UTF-8 that ends with a line, bytes of the stream read for it),
    to the end of the stream."""
    chunk = stream.read(BLOCK) or b""
    encoding, mark = _encoding(chunk)
    decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding != "utf-8" else None
    rest, skip = b"", len(mark)
    while chunk:
        size = len(chunk)
        chunk = chunk[skip:]
        skip = 0
        if decoder:
            chunk = decoder.decode(chunk).encode("utf-8", "replace")
        if b"\0" in chunk:  # UTF-16 appended to UTF-8, or a file with holes
            chunk = chunk.translate(None, b"\0")
        whole, rest = _split_at_last_line(rest + chunk)
        yield whole, size
        chunk = stream.read(BLOCK) or b""
    yield rest, 0


def text_of(raw: bytes) -> str:
    """A line's text; bytes that are not UTF-8 are read as Windows' Latin-1."""
    return raw.decode("utf-8", "rotcheck-latin")


def _encoding(head: bytes) -> tuple[str, bytes]:
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding, mark
    sample = head[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = max(len(sample) // 2, 1)
    if odd > 0.4 * half and even < 0.1 * half:
        return "utf-16-le", b""
    if even > 0.4 * half and odd < 0.1 * half:
        return "utf-16-be", b""
    return "utf-8", b""


def _split_at_last_line(data: bytes) -> tuple[bytes, bytes]:
    end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1)) + 1  # a last \r may be half of \r\n
    if not end and len(data) > _MOST_BYTES:
        end = max(data.rfind(b" "), data.rfind(b"\\n")) + 1 or len(data)
    return data[:end], data[end:]


def _latin(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("rotcheck-latin", _latin)
