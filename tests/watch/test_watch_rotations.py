"""Which functions turned a tensor in a program's first steps, and whether that was right."""

import subprocess
import sys
from pathlib import Path

import pytest
from watching import Seen, watched

from rotcheck.results import WatchRow

MODEL = Path(__file__).parent / "model_to_watch.py"


@pytest.fixture(scope="module")
def seen() -> Seen:
    return watched(MODEL.parent, sys.executable, MODEL.name)


def _row(seen: Seen, function: str) -> WatchRow:
    (row,) = (row for row in seen.watch.rows if row.function == function)
    return row


def test_what_the_program_computes_is_the_same_and_nothing_is_left_after_the_first_steps(
    seen: Seen,
) -> None:
    plain = subprocess.run([sys.executable, MODEL], capture_output=True, text=True, check=True)
    values = [line.split()[0] for line in plain.stdout.splitlines()]
    lines = [line.split() for line in seen.out.decode().splitlines()]
    assert [line[0] for line in lines] == values
    assert lines[-2][1:] == ["None", "function"]
    assert (seen.code, seen.errors) == (0, "")


def test_what_is_compiled_stays_one_graph_and_is_said_to_be_unseen(seen: Seen) -> None:
    frames = "{'total': 1, 'ok': 1} {}"
    assert seen.out.decode().splitlines()[-1] == frames
    assert [note.partition(" (")[0] for note in seen.watch.notes] == ["compiled"]


def test_an_exception_that_was_caught_so_that_another_path_ran_is_told(seen: Seen) -> None:
    (fallback,) = seen.watch.fallbacks
    assert fallback.subject == "caught in right"
    assert fallback.error == "NotImplementedError: no kernel for the CPU"
    source = MODEL.read_text().splitlines()
    assert source[fallback.where[0].line - 1].strip() == "kernel(q)"


def test_a_right_rotation_is_told_with_its_angles_and_what_it_is_made_of_is_not(seen: Seen) -> None:
    row = _row(seen, "right")
    assert (row.verdict, row.arguments, row.owners) == ("agrees", ("q", "k"), ("1",))
    assert (row.does, row.angles) == ("half, 32 lanes", "Plain(theta=500000)")
    assert (row.calls, row.place.file, row.dtypes) == (12, MODEL.name, ("float32", "float32"))
    functions = {row.function for row in seen.watch.rows}
    assert functions == {"right", "rounded", "widen", "one_sign", "softmax"}


def test_positions_that_a_narrow_dtype_rounded_are_wrong(seen: Seen) -> None:
    row = _row(seen, "rounded")
    assert (row.verdict, row.finding, row.failure) == ("disagrees", "phase-rounded", "N1")
    assert row.message == "its positions were rounded to bfloat16"


def test_a_change_of_the_dtype_is_told(seen: Seen) -> None:
    row = _row(seen, "widen")
    assert (row.verdict, row.dtypes) == ("agrees", ("bfloat16", "float32"))


def test_what_is_handed_tables_and_turns_nothing_is_neither_right_nor_wrong(seen: Seen) -> None:
    row = _row(seen, "one_sign")
    assert (row.verdict, row.arguments, row.finding) == ("unidentified", (), None)
    assert "handed tables" in (row.message or "")
