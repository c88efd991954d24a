"""What workers leave running: found, and ended."""

import contextlib

import psutil


def children(pid: int) -> list[psutil.Process]:
    """The processes that a process started, and those that these started."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def end(processes: list[psutil.Process]) -> None:
    """End processes, and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=1)  # the server, still there, takes their exit status
