"""What a program died of: read off the exceptions that nobody caught, the frames that
a signal found, and its standard error where that can be read."""

import re
import signal
from collections.abc import Iterator, Sequence

from rotcheck import diagnose
from rotcheck.diagnose.explanation import Explanation, explain
from rotcheck.log import read_text
from rotcheck.results import Death, Flip
from rotcheck.watch.records import Record, UncaughtException

LONGEST_TRACE = 8000  # characters, from its end


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
    traces = sorted(_traces(records), key=lambda trace: trace[0])
    text = "\n".join(text for *_, text in traces)
    explanation = explain(read_text(text)) if text else _of_output(output)
    if explanation is None or explanation.answer is None:
        return _without_exception(status)
    answer = explanation.answer
    victim = _victim(answer.text, traces)
    entry = answer.failure or answer.message
    return Death(
        text=answer.text,
        pid=victim[1].introduction.pid if victim and victim[1].introduction else None,
        rank=victim[1].rank if victim else None,
        trace=victim[2][-LONGEST_TRACE:] if victim else "",
        certainty=answer.certainty,
        why=answer.why,
        failure=entry.id if entry else None,
        title=entry.title if entry else "",
        cause=answer.failure.cause if answer.failure else None,
        fix=answer.failure.fix if answer.failure else None,
        flag=_flag(answer.failure, flips),
    )


Trace = tuple[float, Record, str]


def _traces(records: Sequence[Record]) -> Iterator[Trace]:
    """The traceback of each death, as a launcher of ranks would print it, and its time."""
    for record in records:
        for entry in record.entries:
            if isinstance(entry, UncaughtException):
                yield entry.time, record, _with_rank(entry.text, record.rank)
        if record.fault:
            yield record.entries[-1].time, record, _with_rank(record.fault, record.rank)


def _with_rank(text: str, rank: int | None) -> str:
    return text if rank is None else re.sub("^", f"[rank{rank}]: ", text, flags=re.MULTILINE)


def _of_output(output: str) -> Explanation | None:
    """What the standard error says of a death, where it tells of one."""
    explanation = explain(read_text(output)) if output.strip() else None
    return explanation if explanation and explanation.outcome == "failed" else None


def _victim(message: str, traces: Sequence[Trace]) -> Trace | None:
    """The process whose message it is, the first that died with it."""
    words = message.partition(":")[2].split() or message.split()
    return next((trace for trace in traces if all(word in trace[2] for word in words)), None)


def _without_exception(status: int) -> Death:
    """The death of a program that left no exception: by a signal, or by its own exit code."""
    if status > 0:
        return Death(
            text=f"it ended itself with exit code {status}: no exception was left uncaught"
        )
    name = signal.strsignal(-status) or f"signal {-status}"
    answer = explain(read_text(name)).answer
    entry = answer.message if answer else None
    return Death(
        text=f"a signal ended it: {signal.Signals(-status).name}",
        certainty="general" if entry else "unknown",
        failure=entry.id if entry else None,
        title=entry.title if entry else "",
    )


def _flag(failure: diagnose.Failure | None, flips: Sequence[Flip]) -> Flip | None:
    """The last call that set a switch of which the failure comes."""
    setters = failure.setters if failure else ()
    return next((flip for flip in reversed(flips) if flip.setter in setters), None)
