"""What ended the run: the last exception of the first process that died, and not what came of it."""

import re
from collections.abc import Iterable, Sequence

from rotcheck.log.draft import Draft

_CALM = 25  # lines of no trouble after which a run had gone on
_APART = 3  # such lines between two troubles that are apart
_NEAR_END = 10  # such lines after which an error is not what the log ends with
_CONSEQUENCE = re.compile(
    r"ChildFailedError|ProcessRaisedException|ProcessExitedException"
    r"|DataLoader worker \(pid.*exited unexpectedly"
    r"|KeyboardInterrupt|SystemExit|CalledProcessError|resource_tracker|watchdog(?!.*CUDA error)"
    r"|NCCL communicator was aborted"
    r"|DistBackendError|EngineDeadError|Engine core initialization failed|Engine process failed"
    r"|Connection (?:reset|closed) by peer"
    r"|BrokenPipeError|EOFError|EngineCore encountered|SignalException|ActorDiedError|WorkerCrashedError"
    r"|BrokenProcessPool"
    r"|^Aborted|core dumped|exit ?code|terminate called|Fatal Python error: Aborted|Timed out waiting"
    r"|died with <Signals"
    r"|terminated with signal|Watchdog caught|ConnectionResetError|ConnectionRefusedError|closing signal",
    re.IGNORECASE,
)


def went_on(draft: Draft, calm: int, work: int) -> bool:
    """Whether the run went on after it, by the lines of no trouble and of work that the whole log shows."""
    return work > draft.work or calm - draft.calm >= _CALM


def ender(drafts: Sequence[Draft], last_good: int) -> Draft | None:
    """What ended the run, of the events in the order of their lines, or None where it ended well."""
    open_ends = [draft for draft in drafts if _is_end(draft) and draft.line > last_good]
    roots = [draft for draft in open_ends if not _is_consequence(draft)]
    if roots:
        return _first_death(roots)
    if open_ends:
        return open_ends[0]
    return None


def ending_error(drafts: Iterable[Draft], calm: int, last_good: int, last_work: int) -> Draft | None:
    """The error that a log without exceptions ends with: the first of those that stand together."""
    errors = [
        draft
        for draft in drafts
        if draft.kind == "error"
        and draft.line > max(last_good, last_work)
        and calm - draft.calm <= _NEAR_END
        and not draft.handled
    ]
    return errors[0] if errors else None


def _is_end(draft: Draft) -> bool:
    return draft.kind in ("exception", "fatal") and not draft.handled


def _is_consequence(draft: Draft) -> bool:
    return bool(_CONSEQUENCE.search(draft.text[:2000]))


def _first_death(roots: Sequence[Draft]) -> Draft:
    """The earliest of the deaths of each process."""
    by_process: dict[str, list[Draft]] = {}
    for draft in roots:
        by_process.setdefault(draft.process, []).append(draft)
    deaths = [_death(part) for part in by_process.values()]
    if all(draft.time for draft in deaths):
        return min(deaths, key=lambda draft: (draft.time, draft.line))
    return min(deaths, key=lambda draft: draft.line)


def _death(drafts: Sequence[Draft]) -> Draft:
    """What a process died of: of its last troubles that stand together the first that nobody caught."""
    last = [drafts[-1]]
    for draft in reversed(drafts[:-1]):
        if last[0].calm - draft.calm > _APART:
            break
        last.insert(0, draft)
    uncaught = [draft for draft in last if _reaches_top(draft)]
    return uncaught[0] if uncaught else last[0]


def _reaches_top(draft: Draft) -> bool:
    """Whether its traceback begins where a program does, as only that of an uncaught exception does."""
    return bool(draft.frames) and draft.frames[0].function in (
        "<module>",
        "_run_module_as_main",
        "_bootstrap",
    )
