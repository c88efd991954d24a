"""The probe as a whole: on a pool of its own, or on one that a comparison has warm already."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from rotcheck import __version__
from rotcheck.isolation import Pool

if TYPE_CHECKING:
    from rotcheck.results import Line, Machine, Probe

PRELOAD = ("torch", "rotcheck.probe.inside.executors", "rotcheck.probe.inside.families")
"""What a pool should import before it is surveyed: torch, and files of the probe that cost nothing."""


def probe(*, full: bool = False, on_line: Callable[[Line], None] | None = None) -> Probe:
    """Return what this machine has, each line found by running it three times where it can be run.

    `full` runs torch.compile too. `on_line` is handed each line as it is found. Interrupted by Ctrl-C, it
    returns what was found until then, marked as interrupted. Nothing that torch or a kernel does makes it
    fail; it raises `OSError` when no process can be started.
    """
    with Pool(preload=PRELOAD) as pool:
        from rotcheck.probe.survey import Survey  # here, because the pool imports torch meanwhile
        from rotcheck.results import Probe

        survey, interrupted = Survey(on_line), False
        try:
            survey.run(pool, full=full)
        except KeyboardInterrupt:
            interrupted = True
    return Probe(rotcheck=__version__, machine=survey.machine(), interrupted=interrupted)


def survey(
    pool: Pool,
    *,
    full: bool = False,
    on_line: Callable[[Line], None] | None = None,
    groups: Collection[str] | None = None,
    trials: bool = True,
) -> Machine:
    """Return this machine as a pool finds it that somebody else has entered, best with `PRELOAD` preloaded.

    `groups`: of the lines that are wanted, as in `rotcheck.probe.survey.GROUPS`; None: all. What only other
    groups need is not run. `trials`: whether other libraries than torch are imported and run; without, their version
    is told. Raises `ValueError` for a group that does not exist, and `KeyboardInterrupt`.
    """
    from rotcheck.probe.survey import Survey

    found = Survey(on_line, groups)
    found.run(pool, full=full, trials=trials)
    return found.machine()


def workplace(pool: Pool, groups: Collection[str], *, trials: bool = False) -> Machine:
    """Return this machine as `survey` does; raises `NoTorch` when it has no torch that could be used."""
    from rotcheck.probe.need import required
    from rotcheck.probe.survey import Survey

    found = Survey(groups=groups)
    found.run(pool, trials=trials)
    required(found.torch)
    return found.machine()
