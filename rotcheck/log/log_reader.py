"""Reads a log of any size, in constant memory."""

import io
from typing import BinaryIO

from rotcheck.log import code_lines, error_lines
from rotcheck.log.decoding import blocks
from rotcheck.log.ending import ender, ending_error, went_on
from rotcheck.log.event_draft import Draft
from rotcheck.log.event_store import Store
from rotcheck.log.events import Event, Log
from rotcheck.log.parsing import Parser, clean_lines
from rotcheck.log.relevant_lines import Passage, Sieve
from rotcheck.log.wrapping import JOINT, LogLine, readings

SHORT = 1 << 16  # bytes of a log that is read whole
_MESSAGE = 600  # characters of a text that is one message


def read(stream: BinaryIO) -> Log:
    """Read a log to the end of the stream, whatever its size and encoding."""
    reader = _LogReader()
    for block, size in blocks(stream):
        reader.feed(block, size)
    return reader.close()


def read_text(text: str) -> Log:
    """Read a log that is a text."""
    return read(io.BytesIO(text.encode("utf-8", "replace")))


class _LogReader:
    def __init__(self) -> None:
        self.sieve = Sieve()
        self.parser = Parser()
        self.store = Store()
        self.size = 0
        self.lines = 0
        self.at_line_end = True
        self.head: bytes | None = b""  # the whole log, while it is short

    def feed(self, block: bytes, size: int) -> None:
        self.size += size
        self.lines += block.count(b"\n")
        self.at_line_end = block.endswith(b"\n") if block else self.at_line_end
        if self.head is not None:
            block, self.head = self.head + block, None
            if len(block) <= SHORT:
                self.head = block
                return
        for passage in self.sieve.feed(block):
            self._keep(passage)

    def close(self) -> Log:
        prose: list[LogLine] = []
        if self.head is not None:
            self.sieve.everything = True
            raws = [raw for passage in self.sieve.feed(self.head) for raw in passage.lines]
            raws += [raw for passage in self.sieve.close() for raw in passage.lines]
            prose = clean_lines(raws)
            self._keep(Passage(0, raws))
        else:
            for passage in self.sieve.close():
                self._keep(passage)
        return self._log(
            "\n".join(line.marked.rstrip() for line in prose).replace(JOINT, "\n").strip("\n"),
            prose,
        )

    def _keep(self, passage: Passage) -> None:
        for draft in self.parser.parse(passage):
            self.store.add(draft)

    def _log(self, prose: str, lines: list[LogLine]) -> Log:
        drafts = self.store.drafts() or _bare_message(lines)
        parser = self.parser
        for draft in drafts:
            draft.handled = draft.handled or went_on(draft, *parser.since(draft))
        end = ender(drafts, parser.last_good, parser.bad_end) or ending_error(
            [(draft, parser.since(draft)[0]) for draft in drafts],
            max(parser.last_good, parser.last_work),
            parser.bad_end,
        )
        drafts = self.store.once(drafts, end)
        return Log(
            lines=self.lines + (not self.at_line_end),
            size=self.size,
            events=tuple(_event(draft, drafts) for draft in drafts),
            ended_by=drafts.index(end) if end else None,
            running=max(parser.last_work, parser.last_good) > 0
            and not error_lines.is_person(prose),
            prose=prose,
        )


def _bare_message(lines: list[LogLine]) -> list[Draft]:
    """The event of a short text that is nothing but a program's message."""
    lines_with_text = [line for line in lines if line.text.strip()]
    text = " ".join(line.text for line in lines_with_text)
    if len(text) > _MESSAGE or any(code_lines.is_code(line.text) for line in lines_with_text):
        return []
    if not error_lines.is_message(text):
        return []
    draft = Draft.at(lines_with_text[0], "error")
    draft.pieces = [line.marked.strip() for line in lines_with_text]
    draft.readings = readings(draft.pieces)
    return [draft]


def _event(draft: Draft, drafts: list[Draft]) -> Event:
    return Event(
        kind=draft.kind,
        line=draft.line,
        text=draft.text,
        readings=draft.readings or (draft.text,),
        frames=draft.frames,
        nearby=draft.nearby,
        process=draft.process,
        handled=draft.handled,
        cause=drafts.index(draft.cause) if draft.cause in drafts else None,
    )
