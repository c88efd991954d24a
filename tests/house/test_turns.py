"""While one worker measures time, the others wait."""

from pathlib import Path
from threading import Event, Thread

from turns import Turns

SOON = 0.2  # seconds in which whoever need not wait has come in


def comes_in(folder: Path, stays: Event) -> Event:
    """Have another worker begin a test, which takes as long as it is let;
    return what tells that it began."""
    began = Event()

    def worker() -> None:
        with Turns(folder).beside_others():
            began.set()
            stays.wait()

    Thread(target=worker, daemon=True).start()
    return began


def test_tests_run_beside_each_other_but_for_one_that_is_alone(tmp_path: Path) -> None:
    mine, end = Turns(tmp_path), Event()
    with mine.beside_others():
        first = comes_in(tmp_path, end)
        assert first.wait(60)
        end.set()
        with mine.alone():
            second = comes_in(tmp_path, end)
            assert not second.wait(SOON)
        assert second.wait(60)


def test_who_wants_to_be_alone_waits_for_those_inside_and_is_not_overtaken(tmp_path: Path) -> None:
    mine, end, alone = Turns(tmp_path), Event(), Event()
    inside = comes_in(tmp_path, end)
    assert inside.wait(60)

    def measures() -> None:
        with mine.beside_others(), mine.alone():
            alone.set()

    Thread(target=measures, daemon=True).start()
    assert not alone.wait(SOON)
    late = comes_in(tmp_path, Event())
    assert not late.wait(SOON)
    end.set()
    assert alone.wait(60)
    assert late.wait(60)
