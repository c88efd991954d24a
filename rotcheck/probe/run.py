"""The whole probe: on a pool of its own, or on one that a comparison has already started."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from rotcheck import __version__
from rotcheck.isolation import Pool

if TYPE_CHECKING:
    from rotcheck.results import Line, Machine, Probe

PRELOAD = ("torch", "rotcheck.probe.inside.executors", "rotcheck.probe.inside.families")
"""What a pool should import before a survey: torch, and files of the probe that cost nothing."""


def probe(*, full: bool = False, on_line: Callable[[Line], None] | None = None) -> Probe:
    """Find out what this machine has; what can be run is run three times.

    Nothing that torch or a kernel does makes it fail.

    Args:
        full: run torch.compile too.
        on_line: called with each line as it is found.

    Returns:
        The lines, and the machine; those so far, with `interrupted` set,
        if a KeyboardInterrupt ended it.

    Raises:
        OSError: no process can be started.
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
    """This machine as seen from a pool that is open already, best with `PRELOAD` preloaded.

    `groups`: of the lines to find, as in `rotcheck.probe.survey.GROUPS`; None: all. What only other
    groups need is not run. `trials`: import and run other libraries than torch; without, only their
    version is reported. Raises `ValueError` for a group that does not exist, and
    `KeyboardInterrupt`.
    """
    from rotcheck.probe.survey import Survey

    result = Survey(on_line, groups)
    result.run(pool, full=full, trials=trials)
    return result.machine()


def workplace(pool: Pool, groups: Collection[str], *, trials: bool = False) -> Machine:
    """This machine as `survey` does; raises `NoTorch` when it has no torch that could be used."""
    from rotcheck.probe.need import require
    from rotcheck.probe.survey import Survey

    result = Survey(groups=groups)
    result.run(pool, trials=trials)
    require(result.torch)
    return result.machine()
