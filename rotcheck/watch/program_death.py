"""What a program died of: read off the exceptions that nobody caught, the frames that
a signal found, and its standard error where that can be read."""

import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rotcheck import diagnose
from rotcheck.diagnose.diagnosis import Diagnosis
from rotcheck.diagnose.explanation import Explanation, explain
from rotcheck.log import read_text
from rotcheck.results import Death, Flip
from rotcheck.watch.records import Introduction, Line, Record, UncaughtException
from rotcheck.watch.sightings import code_lines

LONGEST_TRACE = 8000  # characters, from its end
_FAULT = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a process left as it died."""

    time: float
    record: Record
    text: str  # as a launcher of ranks would print it
    where: tuple[Line, ...]  # the lines of the program, innermost first


def program_death(
    status: int, records: Sequence[Record], flips: Sequence[Flip], output: str
) -> Death | None:
    """What the program died of; None where it ended well.

    Args:
        status: Its exit code, or minus the signal that ended it.
        records: What its processes wrote down.
        flips: The switches that were set in it.
        output: The end of what it wrote to its standard error; empty where nobody knows.
    """
    if status == 0:
        return None
    traces = sorted(_traces(records), key=lambda trace: trace.time)
    text = "\n".join(trace.text for trace in traces)
    explanation = explain(read_text(text)) if text else _of_output(output)
    if explanation is None or explanation.answer is None:
        return _without_trace(status, bool(records))
    return _death(explanation.answer, traces, flips)


def _death(answer: Diagnosis, traces: Sequence[Trace], flips: Sequence[Flip]) -> Death:
    victim = _victim(answer.text, traces)
    first = victim.record.introduction if victim else None
    entry = answer.failure or answer.message
    return Death(
        text=answer.text,
        pid=first.pid if first else None,
        rank=victim.record.rank if victim else None,
        trace=victim.text[-LONGEST_TRACE:] if victim else "",
        where=code_lines(victim.where) if victim else (),
        certainty=answer.certainty,
        why=answer.why,
        failure=entry.id if entry else None,
        title=entry.title if entry else "",
        cause=answer.failure.cause if answer.failure else _meaning(answer.message),
        fix=answer.failure.fix if answer.failure else None,
        flag=_flag(answer.failure, _in_process(flips, first)),
    )


def _traces(records: Sequence[Record]) -> Iterator[Trace]:
    for record in records:
        for entry in record.entries:
            if isinstance(entry, UncaughtException):
                text = _with_rank(entry.text, record.rank)
                yield Trace(entry.time, record, text, entry.where)
        if record.fault:
            text = _with_rank(record.fault, record.rank)
            yield Trace(record.entries[-1].time, record, text, _fault_lines(record.fault))


def _with_rank(text: str, rank: int | None) -> str:
    return text if rank is None else re.sub("^", f"[rank{rank}]: ", text, flags=re.MULTILINE)


def _fault_lines(dump: str) -> tuple[Line, ...]:
    """The frames of the thread that a signal ended, innermost first."""
    current = dump.rpartition("Current thread")[2].partition("\n\n")[0]
    return tuple((file, int(line), name) for file, line, name in _FAULT.findall(current))


def _of_output(output: str) -> Explanation | None:
    """What the standard error says of a death, where it tells of one."""
    explanation = explain(read_text(output)) if output.strip() else None
    return explanation if explanation and explanation.outcome == "failed" else None


def _victim(message: str, traces: Sequence[Trace]) -> Trace | None:
    """The process whose message it is, the first that died with it."""
    words = message.split()
    return next((trace for trace in traces if all(word in trace.text for word in words)), None)


def _without_trace(status: int, is_python: bool) -> Death:
    """The death of a program that left no exception: by a signal, or by its own exit code."""
    if status > 0:
        reason = "no exception was left uncaught" if is_python else "nothing was seen of why"
        return Death(text=f"It ended itself with exit code {status}: {reason}.")
    answer = explain(read_text(signal.strsignal(-status) or "")).answer
    entry = answer.message if answer else None
    return Death(
        text=f"A signal ended it: {_signal_name(-status)}.",
        certainty="general" if entry else "unknown",
        failure=entry.id if entry else None,
        title=entry.title if entry else "",
        cause=_meaning(entry),
    )


def _meaning(message: diagnose.Message | None) -> str | None:
    return message.meaning if message else None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return str(number)


def _in_process(flips: Sequence[Flip], process: Introduction | None) -> Sequence[Flip]:
    """The switches that were set in a process, or in the one that it was forked off from."""
    if process is None:
        return flips
    own = [flip for flip in flips if process.pid in flip.pids]
    parents = [flip for flip in flips if process.parent in flip.pids]
    return own or (parents if process.how == "forked" else [])


def _flag(failure: diagnose.Failure | None, flips: Sequence[Flip]) -> Flip | None:
    """The last call that set a switch of which the failure comes."""
    setters = failure.setters if failure else ()
    return next((flip for flip in reversed(flips) if flip.setter in setters), None)
