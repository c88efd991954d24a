"""Which lines of a log can matter: those that hold a word of trouble,
with the lines around them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

_GRAVE = tuple(b"traceback fatal terminat killed segmentation dumped abort exception".split())
_SLIGHT = (
    *b"error warn critical failed signal assert exit crash cannot corrupt invalid unsupported".split(),
    *b"complete interrupt".split(),
    b"out of memory",
)
_AROUND_GRAVE = (12, 50)  # lines before and after
_AROUND_SLIGHT = (4, 12)
_TAIL = 60  # lines at the end of the log, which are always read
# bytes of trouble that are read whole; of more, what stands at either end of each block
_WHOLE = 4 << 20
_ENDS = 4  # hits at either end of a block, then
_MOST_BYTES = 1 << 17  # of a passage
_MOST_OF_A_LINE = 1 << 13  # bytes of a line that are read
_TEMPLATES = 1 << 15


class Raw(NamedTuple):
    """A line as it stands in the log."""

    number: int
    bytes: bytes


class Passage(NamedTuple):
    """Lines that follow each other, and how many were left out before them."""

    gap: int
    lines: list[Raw]


class Sieve:
    """Takes the blocks of a log and hands on the passages that can matter;
    holds a few lines at a time."""

    def __init__(self, everything: bool = False) -> None:
        self.everything = everything
        self.lines_done = 0  # lines read so far
        self._recent: list[Raw] = []  # the last ones, not handed on
        self._passage: list[Raw] = []
        self._bytes = 0  # of the open passage
        self._gap = 0
        self._still_wanted = 0  # lines to come that belong to the open passage
        self._trouble = 0  # bytes handed on
        self._templates: set[int] = set()

    def feed(self, block: bytes) -> Iterator[Passage]:
        """Yield the passages that end in this block, which ends where a line does."""
        if not block:
            return  # the tail stays as it is
        block = block.replace(b"\r\n", b"\n")
        words = () if self.everything else _words_in(block.lower())
        if self.everything or self._still_wanted or words:
            lines = self._lines(block)
            yield from self._take(self._recent + lines, self._spans(lines, words))
        else:
            yield from self._pass_over(block)
        self.lines_done += block.count(b"\n")

    def close(self) -> Iterator[Passage]:
        """Yield what is left: the end of the log."""
        yield from self._take(self._recent, [(0, len(self._recent))])
        yield from self._flush()

    def _pass_over(self, block: bytes) -> Iterator[Passage]:
        yield from self._flush()
        start = len(block)
        for _ in range(_TAIL + 1):
            start = max(block.rfind(b"\n", 0, start), block.rfind(b"\r", 0, start), 0)
        before = block.count(b"\n", 0, start)
        self.lines_done += before
        last = self._lines(block[start:])
        self.lines_done -= before
        self._gap += len(self._recent) + before
        self._recent = last[-_TAIL:]

    def _lines(self, block: bytes) -> list[Raw]:
        raws = [
            Raw(self.lines_done + 1 + i, line)
            for i, line in enumerate(block.removesuffix(b"\n").split(b"\n"))
        ]
        if b"\r" not in block:
            return raws if block else []
        return [
            Raw(n, piece) for n, line in raws for piece in line.split(b"\r") if piece or not line
        ]

    def _spans(self, lines: Sequence[Raw], words: Sequence[bytes]) -> list[tuple[int, int]]:
        """What is wanted of the recent lines and these, as (first, last + 1),
        in order and apart."""
        before = len(self._recent)
        if self.everything:
            return [(0, before + len(lines))]
        spans = [(0, before + self._still_wanted)] if self._still_wanted else []
        text = b"\n".join(line.bytes for line in lines).lower()
        ends = list(accumulate(len(line.bytes) + 1 for line in lines))
        for kind, around in ((_GRAVE, _AROUND_GRAVE), (_SLIGHT, _AROUND_SLIGHT)):
            hits = _hits(text, ends, [word for word in words if word in kind])
            hits = hits if kind is _GRAVE else [i for i in hits if self._is_new(lines[i])]
            if self._trouble > _WHOLE:
                hits = hits[:_ENDS] + hits[_ENDS:][-_ENDS:]
            spans += [(max(before + i - around[0], 0), before + i + around[1]) for i in hits]
        return _merge(spans)

    def _is_new(self, line: Raw) -> bool:
        """Whether no earlier line differs from it in numbers alone."""
        template = hash(line.bytes[:200].translate(None, b"0123456789"))
        if template in self._templates or len(self._templates) > _TEMPLATES:
            return False
        self._templates.add(template)
        return True

    def _take(self, lines: list[Raw], spans: Iterable[tuple[int, int]]) -> Iterator[Passage]:
        """Hand on the lines within the spans, keep the last of the others."""
        at, self._still_wanted = 0, 0
        for start, stop in spans:
            if start > at:
                yield from self._flush()
                self._gap += start - at
            for line in lines[start:stop]:
                self._passage.append(Raw(line.number, _readable(line.bytes)))
                self._bytes += len(self._passage[-1].bytes)
                if self._bytes > _MOST_BYTES:
                    yield from self._flush()
            at = min(stop, len(lines))
            self._still_wanted = stop - at
        if at < len(lines):
            yield from self._flush()
        self._gap += max(len(lines) - at - _TAIL, 0)
        self._recent = lines[max(at, len(lines) - _TAIL) :]

    def _flush(self) -> Iterator[Passage]:
        if self._passage:
            yield Passage(self._gap, self._passage)
            self._trouble += self._bytes
            self._passage, self._bytes, self._gap = [], 0, 0


def _words_in(text: bytes) -> tuple[bytes, ...]:
    return tuple(word for word in _GRAVE + _SLIGHT if word in text)


def _hits(text: bytes, ends: Sequence[int], words: Iterable[bytes]) -> list[int]:
    """Indices of the lines that hold one of the words."""
    hits = set()
    for word in words:
        at = text.find(word)
        while at >= 0:
            index = bisect_right(ends, at)
            hits.add(index)
            at = text.find(word, ends[index])
    return sorted(hits)


def _merge(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    result: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = result[-1][0], max(stop, result[-1][1])
        else:
            result.append((start, stop))
    return result


def _readable(line: bytes) -> bytes:
    """The line; of a very long one the part that holds the first grave word, or its beginning."""
    if len(line) <= _MOST_OF_A_LINE:
        return line
    hits = [at for at in (line.lower().find(word) for word in _GRAVE) if at >= 0]
    start = max(min(hits, default=0) - 200, 0)
    return line[start : start + _MOST_OF_A_LINE]
