"""What ended the run: the last exception of the first process that died,
and not what came of it."""

import re
from collections.abc import Iterable, Sequence

from rotcheck.log.event_draft import Draft

_CALM = 25  # lines of no trouble after which a run had gone on
_APART = 3  # such lines between two troubles that are apart
_NEAR_END = 10  # such lines after which an error is not what the log ends with
_LAUNCHER = re.compile(  # says only that another process has failed
    r"ChildFailedError|ProcessRaisedException|ProcessExitedException|CalledProcessError|EngineDeadError|\w failed!$"
    r"|Engine core initialization failed|Engine process failed|EngineCore encountered|ActorDiedError|SIGTERM"
    r"|WorkerCrashedError|BrokenProcessPool|SystemExit|closing signal|\bjobs? did not complete",
    re.IGNORECASE,
)
_CONSEQUENCE = re.compile(
    r"DataLoader worker \(pid.*exited unexpectedly|KeyboardInterrupt|resource_tracker|watchdog(?!.*CUDA error)"
    r"|NCCL communicator was aborted|DistBackendError|Connection (?:reset|closed) by peer|BrokenPipeError|EOFError"
    r"|SignalException|^Aborted|core dumped|exit ?code|terminate called|Fatal Python error: Aborted|Timed out waiting"
    r"|Signal \d+ \(SIG|died with <Signals|terminated with signal|Watchdog caught|Connection(?:Reset|Refused)Error",
    re.IGNORECASE,
)
_ERROR_AFTER = re.compile(
    r"^FAILED\b|^ninja:|^make|Failed building|Failed to build|exited-with-error|failed with exit"
    r"|did not run successfully"
    r"|Could not build|command '.*' failed|Process completed|metadata-generation-failed|Failed to upload"
)


def went_on(draft: Draft, calm: int, work: int) -> bool:
    """Whether the run went on after an event,
    by the lines of no trouble and of work that follow it.

    What nobody caught ended its program, so that lines of no trouble alone
    are those of another one.
    """
    return work > 0 or (calm >= _CALM and not _reaches_top(draft))


def ender(drafts: Sequence[Draft], last_good: int, bad_end: int) -> Draft | None:
    """The exception or death that ended the run, of the events in the order of their lines.

    None where it ended well after line `last_good`, or otherwise. What comes after line `bad_end`,
    where the log says that the run has failed, counts only where nothing stands before it.
    """
    open_ends = [draft for draft in drafts if _is_end(draft) and draft.line > last_good]
    open_ends = [draft for draft in open_ends if draft.line <= bad_end] or open_ends
    deaths = [draft for draft in open_ends if not _LAUNCHER.search(draft.text)]
    roots = [draft for draft in deaths if not _CONSEQUENCE.search(draft.text)]
    return _first_death(roots) if roots else next(iter(deaths or open_ends), None)


def ending_error(drafts: Iterable[tuple[Draft, int]], last_work: int, bad_end: int) -> Draft | None:
    """The error that a log without exceptions ends with, the first of those that stand together.

    Each event comes with the number of lines of no trouble after it; `last_work` is the last line
    that shows the run at work or at its good end, `bad_end` the one that says that it has failed.
    """
    errors = [
        draft
        for draft, calm in drafts
        if draft.kind == "error"
        and draft.line > last_work
        and calm <= _NEAR_END
        and not draft.handled
    ]
    roots = [draft for draft in errors if not _ERROR_AFTER.search(draft.text)]
    before = [draft for draft in roots or errors if draft.line <= bad_end] or roots or errors
    return next(iter(before), None)


def _is_end(draft: Draft) -> bool:
    return draft.kind in ("exception", "fatal") and not draft.handled


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
    """What a process died of: of its last troubles that stand together
    the first that nobody caught."""
    last = [drafts[-1]]
    for draft in reversed(drafts[:-1]):
        if last[0].calm - draft.calm > _APART:
            break
        last.insert(0, draft)
    uncaught = [draft for draft in last if _reaches_top(draft)]
    death = uncaught[0] if uncaught else last[0]
    return next(draft for draft in last if draft.text == death.text)  # a logger's copy comes first


def _reaches_top(draft: Draft) -> bool:
    """Whether its traceback begins where a program does,
    as only that of an uncaught exception does."""
    return bool(draft.frames) and draft.frames[0].function in (
        "<module>",
        "_run_module_as_main",
        "_bootstrap",
    )
