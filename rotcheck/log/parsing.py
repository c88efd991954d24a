"""From the lines of a log to the events in them."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from rotcheck.log import (
    boxed_tracebacks,
    code_lines,
    error_lines,
    process_deaths,
    progress_lines,
    tracebacks,
)
from rotcheck.log.decoding import text_of
from rotcheck.log.event_draft import Draft
from rotcheck.log.plain_text import plain, single_spaced, with_line_breaks
from rotcheck.log.prefixes import Head, split_prefix, without_quote_marks
from rotcheck.log.relevant_lines import Passage, Raw
from rotcheck.log.wrapping import JOINT, LogLine, join_wrapped, readings

_MOST_LINES = 6  # of a message, unless they are indented
_MOST_WRAPPED = 6
_WIDTH = 79  # the least at which editors wrap
_MOST_INDENTED = 60
_NEARBY = 8  # lines before and after
_MOST_NEARBY = 2000  # characters
_MOST_PROCESSES = 512
_AFTER_BAR = re.compile(r"(?<=it/s\]|s/it\])(?=[\[\w(])")


class Parser:
    """Turns passages into events, and counts what else the log shows:
    work, and lines of no trouble."""

    def __init__(self) -> None:
        self.calm: dict[str, int] = {}  # lines of no trouble, by process
        self.work: dict[str, int] = {}  # lines of a run at work, by process
        self.last_work = 0  # the line
        self.last_good = 0
        self._bad_end = 0  # the line that says that the run failed, first after the last work
        # `calm` and `work` there
        self._at_bad_end: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self._exceptions: dict[str, Draft] = {}  # the latest, by process
        self._deaths: dict[str, Draft] = {}
        self._processes_in_chain: set[str] = (
            set()
        )  # processes whose next exception comes of the latest one

    def parse(self, passage: Passage) -> list[Draft]:
        """The events of a passage, in the order of their lines."""
        self.calm[""] = self.calm.get("", 0) + passage.gap
        lines = clean_lines(passage.lines)
        drafts: list[Draft] = []
        for process, part in _by_process(lines).items():
            drafts += self._walk(process, part)
        for draft in drafts:
            draft.readings = readings(draft.pieces, draft.level, draft.before)
            draft.nearby = _nearby(lines, draft)
        self._forget()
        return sorted(drafts, key=lambda draft: draft.line)

    @property
    def bad_end(self) -> int:
        """The line that says that the run has failed, with no work after it; 0: none does."""
        return self._bad_end if self._bad_end > self.last_work else 0

    def since(self, draft: Draft) -> tuple[int, int]:
        """Lines of no trouble, and of work, between an event and the bad end,
        or the end of the log."""
        calm, work = self._at_bad_end if draft.line <= self.bad_end else (self.calm, self.work)
        return calm.get(draft.process, 0) - draft.calm, work.get(draft.process, 0) - draft.work

    def _walk(self, process: str, lines: list[LogLine]) -> Iterator[Draft]:
        at, message = 0, None
        while at < len(lines):
            line = lines[at]
            if progress_lines.is_bad_end(line.text) and not self.bad_end:
                self._bad_end, self._at_bad_end = line.number, (dict(self.calm), dict(self.work))
            draft, behind = self._event(lines, at, message)
            if draft:
                draft.calm, draft.work = self.calm.get(process, 0), self.work.get(process, 0)
                message = draft
                yield draft
            elif behind == at + 1:
                message = self._quiet(process, line, message)
            at = behind

    def _event(
        self, lines: list[LogLine], at: int, message: Draft | None
    ) -> tuple[Draft | None, int]:
        """The event that begins at a line, if any, and the index behind what was read."""
        line = lines[at]
        text = single_spaced(line.text)
        if not text.strip('"'):  # also what multiprocessing writes around a worker's traceback
            return None, at + 1
        if tracebacks.LINK.match(text):
            self._processes_in_chain.add(line.process)
            return None, at + 1
        if tracebacks.is_start(line.text):
            to_ignore = at > 0 and progress_lines.is_ignored(lines[at - 1].text)
            draft, at = tracebacks.traceback_at(lines, at)
            if draft and to_ignore:
                draft.handled = True
                return draft, at
            return (self._chained(draft) if draft else None), at
        death = self._deaths.get(line.process)
        if process_deaths.begins_stack(text) and death and line.number - death.last < _NEARBY:
            return None, _stack(lines, at + 1, death)
        if code_lines.is_code(line.text):
            return None, at + 1
        if error_lines.is_warning(text, line.level):
            return Draft.at(line, "warning"), at + 1
        if tracebacks.exception_in(text):
            return self._chained(Draft.at(line, "exception")), at + 1
        if process_deaths.is_death(text) or line.level == "FATAL":
            self._deaths[line.process] = Draft.at(line, "fatal", before=_before(lines, at))
            return self._deaths[line.process], at + 1
        if error_lines.is_error(text, line.level) and not _goes_on(message, line):
            return Draft.at(line, "error", before=_before(lines, at)), at + 1
        if error_lines.is_hint(text) and not (message and _continues(message, line)):
            return Draft.at(line, "warning", before=_before(lines, at)), at + 1
        return None, at + 1

    def _chained(self, draft: Draft) -> Draft:
        """The exception, with its place in the chain of those before it."""
        before = self._exceptions.get(draft.process)
        if before and draft.process in self._processes_in_chain:
            draft.cause, before.handled = before, True
        elif (
            before
            and before.cause is None
            and tracebacks.has_inner(before.text)
            and draft.line - before.last < 40
        ):
            before.cause, before.handled = draft, True
        self._processes_in_chain.discard(draft.process)
        self._exceptions[draft.process] = draft
        return draft

    def _quiet(self, process: str, line: LogLine, message: Draft | None) -> Draft | None:
        """Count a line without an event; returns the event whose message still goes on."""
        text = line.text.strip().strip('"')
        if progress_lines.is_work(text):
            self._count_work(process, line)
        elif progress_lines.is_good_end(text):
            self.last_good = line.number
        elif not text:  # a message may go on below its colon
            return message if message and message.pieces[-1].endswith(":") else None
        elif message and _continues(message, line) and not progress_lines.is_foreign(text):
            message.pieces.append(line.marked.strip())
            message.last, message.width = line.number, line.width
            return message
        elif progress_lines.is_noise(text):
            return message if progress_lines.is_foreign(text) else None
        elif progress_lines.is_recovery(text):
            self._count_work(process, line)
        self.calm[process] = self.calm.get(process, 0) + 1
        return None

    def _count_work(self, process: str, line: LogLine) -> None:
        self.work[process] = self.work.get(process, 0) + 1
        self.last_work = line.number

    def _forget(self) -> None:
        """Keep what is held of each process small, however many they are."""
        for table in (self.calm, self.work, self._exceptions, self._deaths):
            if len(table) > _MOST_PROCESSES:
                for process in list(table)[1 : len(table) // 2]:
                    del table[process]
        if len(self._processes_in_chain) > _MOST_PROCESSES:
            self._processes_in_chain.clear()


def clean_lines(raws: Iterable[Raw]) -> list[LogLine]:
    """The lines as their program wrote them: decoded, joined, without prefixes and boxes."""
    texts = [(raw.number, plain(part)) for raw in raws for part in _parts(text_of(raw.bytes))]
    texts_alone = code_lines.without_changes(without_quote_marks([text for _, text in texts]))
    texts = join_wrapped(list(zip((number for number, _ in texts), texts_alone)))
    heads = [(number, split_prefix(text)) for number, text in texts]
    texts_in_boxes = boxed_tracebacks.without_boxes(
        ["" if head.text.startswith("```") else head.text for _, head in heads]
    )
    lines: list[LogLine] = []
    for (number, head), text, (_, line) in zip(heads, texts_in_boxes, texts):
        process = head.process or (
            lines[-1].process if lines and _is_rest(line, head, lines[-1]) else ""
        )
        plain_text = text.replace(JOINT, "")
        lines.append(LogLine(number, plain_text, text, process, head.level, head.time, len(line)))
    return lines


def _is_rest(line: str, head: Head, last: LogLine) -> bool:
    """Whether an editor may have broken the line before this one, whose prefix it lacks."""
    may_be_wrapped = bool(last.process) and _is_wrapped(last.width, line)
    return may_be_wrapped and not (head.level or head.time or tracebacks.is_start(line))


def _is_wrapped(width: int, text: str) -> bool:
    """Whether a line that wide had no room for the first word of the text."""
    return width + 1 + len(text.split(maxsplit=1)[0] if text.strip() else "") > _WIDTH


def _parts(text: str) -> list[str]:
    if "\\n" in text and "raceback (most" in text and "{" in text[:40]:  # a line of JSON
        text = text.replace("\\n", "\n").replace('\\"', '"')
    return _AFTER_BAR.sub("\n", with_line_breaks(text)).split("\n")


def _by_process(lines: Iterable[LogLine]) -> dict[str, list[LogLine]]:
    parts: dict[str, list[LogLine]] = {}
    for line in lines:
        parts.setdefault(line.process, []).append(line)
    return parts


def _before(lines: Sequence[LogLine], at: int) -> str:
    """The three lines above, where the message may have begun and been wrapped,
    none of them of a warning."""
    above = [line for line in lines[max(at - 3, 0) : at] if lines[at].number - line.number <= 3]
    while any(error_lines.is_warning(single_spaced(line.text), line.level) for line in above):
        above = above[1:]
    return " ".join(line.marked.strip() for line in above)


def _continues(message: Draft | None, line: LogLine) -> bool:
    """Whether the line may belong to the message of the event before it."""
    if message is None or line.number - message.last > 2 or len(message.pieces) >= _MOST_INDENTED:
        return False
    if line.level not in ("", message.level) or (line.time and not message.time):
        return False
    is_indented = line.text.startswith((" ", "\t"))
    if message.kind in ("warning", "error") and not is_indented:
        more = message.pieces[-1].endswith(":") or _is_wrapped(message.width, line.text)
        return more and len(message.pieces) < _MOST_WRAPPED
    return is_indented or len(message.pieces) < _MOST_LINES


def _goes_on(message: Draft | None, line: LogLine) -> bool:
    """Whether a line that says it is an error is part of the message before it:
    a compiler's output, say."""
    text = line.text.strip()
    if message is None or not _continues(message, line) or error_lines.opens(text):
        return False
    if message.kind == "exception" or text.startswith("what():"):  # of an exception of C++
        return True
    alike = line.time == message.time and line.text.startswith("  ")
    return message.kind in ("error", "fatal") and alike and not error_lines.is_error(text, "")


def _stack(lines: Sequence[LogLine], at: int, death: Draft) -> int:
    """Give a death the frames that faulthandler lists; returns the index behind them."""
    from rotcheck.log.events import Frame

    frames, current = [], lines[at - 1].text.lstrip().startswith("Current")  # the thread that died
    while at < len(lines) and (hit := tracebacks.FRAME.match(lines[at].text)):
        frames.append(Frame(file=hit["file"], line=int(hit["line"]), function=hit["name"] or ""))
        at += 1
    if current or not death.frames:
        death.frames = tuple(reversed(frames))
    death.last = lines[at - 1].number
    return at


def _nearby(lines: Sequence[LogLine], draft: Draft) -> str:
    count = 2 if draft.kind == "warning" else _NEARBY
    start = bisect_left(lines, draft.line, key=lambda line: line.number)
    stop = bisect_right(lines, draft.last, key=lambda line: line.number)
    before = [line.text for line in lines[max(start - count, 0) : start]]
    after = [line.text for line in lines[stop : stop + count]]
    return "\n".join(single_spaced(text) for text in before + after if text.strip())[:_MOST_NEARBY]
