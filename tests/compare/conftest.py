"""Comparisons that several tests look at, each run once."""

import shutil
import threading
from contextlib import suppress

import psutil
import pytest
from comparing import (
    ASKED,
    BROKEN_IMPORTS,
    HERE,
    HOSTILE,
    NEIGHBOURS,
    SWITCHES,
    TOKEN,
    Cells,
    cells,
    functions,
)

import rotcheck
from rotcheck.results import Report


@pytest.fixture(scope="session")
def healthy() -> Cells:
    """All healthy functions, in all dtypes, under all checks."""
    asked = [*functions(HERE / "healthy.py"), f"{HERE}/healthy_import.py:rotate"]
    return cells(rotcheck.compare(asked, devices=["cpu"], timeout=60))


@pytest.fixture(scope="session")
def mistaken() -> Cells:
    """All mistakes, in all dtypes."""
    checks = ["forward", "backward", "inputs"]
    return cells(
        rotcheck.compare(
            functions(HERE / "mistakes.py"), devices=["cpu"], checks=checks, timeout=60
        )
    )


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Cells:
    """All functions with something wrong beside their values, under all checks."""
    folder = tmp_path_factory.mktemp("at_import")
    for name in SWITCHES:
        shutil.copy(HERE / "at_import.py", folder / f"import_{name}.py")
    asked = [f"{folder}/import_{name}.py:rotate" for name in SWITCHES] + functions(
        HERE / "planted.py"
    )
    return cells(
        rotcheck.compare(asked, devices=["cpu"], dtypes=["float32", "bfloat16"], timeout=60)
    )


@pytest.fixture(scope="session")
def alone() -> Report:
    """The healthy ones without a hostile neighbour."""
    return rotcheck.compare(NEIGHBOURS, **ASKED)


@pytest.fixture(scope="session")
def among_hostile(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The healthy ones between all the hostile ones."""
    folder = tmp_path_factory.mktemp("broken")
    for name, text in BROKEN_IMPORTS.items():
        (folder / name).write_text(text)
    apart = {"rotate", "kills_the_server", "waits_to_be_killed"}
    hostile = [name for name in functions(HOSTILE) if name.rpartition(":")[2] not in apart]
    broken = [f"{folder / name}:rotate" for name in BROKEN_IMPORTS]
    first, second, third = NEIGHBOURS
    asked = [first, *hostile[::2], second, *broken, *hostile[1::2], third]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKEN", TOKEN)
        return rotcheck.compare(asked, timeout=4, memory_limit=1.0, **ASKED)


@pytest.fixture(scope="session")
def wounded(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The healthy ones beside one that kills the server of all workers and one that
    is killed from outside."""
    waiting = tmp_path_factory.mktemp("wounded") / "pid"

    def kill() -> None:
        """Kill it whenever it is called: while it is identified, and in its cell."""
        while not done.wait(0.05):
            pid = waiting.read_text() if waiting.exists() else ""
            if pid:
                waiting.unlink()
                with suppress(psutil.NoSuchProcess):  # it went with the server of all workers
                    psutil.Process(int(pid)).kill()

    done = threading.Event()
    killer = threading.Thread(target=kill)
    killer.start()
    first, second, third = NEIGHBOURS
    asked = [first, f"{HOSTILE}:waits_to_be_killed", second, f"{HOSTILE}:kills_the_server", third]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAITING", str(waiting))
        report = rotcheck.compare(asked, timeout=60, **ASKED | {"checks": ["forward"]})
    done.set()
    killer.join()
    return report
