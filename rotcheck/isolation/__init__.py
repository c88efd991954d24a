"""Worker processes: time limits, memory limits, crashes, restarts. Knows nothing about RoPE.

    with Pool(preload=["torch"]) as pool:
        for done in pool.run([Job("name", "package.module:open", setup, tasks)]):
            ...

A `Job` is a row of tasks for one worker process. Whatever the worker does, each of its tasks comes
back as exactly one `Done` with its outcome: `Returned`, `Raised`, `Died`, `TimedOut` or
`OverMemory`.
"""

from rotcheck.isolation.command import command
from rotcheck.isolation.outcome import (
    CONNECTION_LOST,
    Died,
    Done,
    Groundwork,
    Job,
    Outcome,
    OverMemory,
    Raised,
    Returned,
    TimedOut,
)
from rotcheck.isolation.pool import Pool

__all__ = [
    "CONNECTION_LOST", "Died", "Done", "Groundwork", "Job", "Outcome", "OverMemory", "Pool", "Raised",
    "Returned", "TimedOut", "command",
]  # fmt: skip
