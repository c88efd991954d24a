"""Whatever a function does to its process costs its own cells,
and nobody else's verdict or figure."""

import msgspec
import psutil
import pytest
from comparing import BROKEN_IMPORTS, HOSTILE, NEIGHBOURS, TOKEN, Cells, cells, functions

from rotcheck.results import Cell, Report, from_json

BOTH = ("forward", "state")
STATE = ("state",)

SPOILT = {  # function: its bad cells, their verdict, what they say, and the id of the failure
    "aborts": (BOTH, "crashes", "the process was killed by SIGABRT", "R24"),
    "segfaults": (BOTH, "crashes", "the process was killed by SIGSEGV", "R23"),
    "exits_at_once": (BOTH, "crashes", "the process ended with exit code 0", "R25"),
    "exits": (BOTH, "raises", "SystemExit: leaving", "R28"),
    "interrupts": (BOTH, "raises", "KeyboardInterrupt", "R28"),
    "raises_base": (
        BOTH,
        "raises",
        "Base: (its message cannot be read: str() raised RuntimeError)",
        "R28",
    ),
    "recurses": (BOTH, "raises", "RecursionError: maximum recursion depth exceeded", "R28"),
    "reads_standard_input": (BOTH, "raises", "EOFError: EOF when reading a line", "R28"),
    "says_what_is_no_text": (BOTH, "raises", "FileNotFoundError: weights-?.bin", "R28"),
    "says_a_word_without_end": (
        BOTH,
        "crashes",
        "the process was killed by SIGABRT; last output: ",
        "R24",
    ),
    "loops": (BOTH, "hangs", "no answer within", "R21"),
    "loops_in_c": (BOTH, "hangs", "no answer within", "R21"),
    "sleeps": (BOTH, "hangs", "no answer within", "R21"),
    "ignores_signals": (BOTH, "hangs", "no answer within", "R21"),
    "eats_memory": (BOTH, "crashes", "over its limit of 1.0 GiB", "R20"),
    "sets_an_alarm": (BOTH, "crashes", "the process was killed by SIGALRM", "R22"),
    "closes_everything": (BOTH, "crashes", "the process lost its connection to rotcheck", "R32"),
    "returns_none": (BOTH, "disagrees", "returned None; expected a tensor of shape", "R11"),
    "returns_wrong_shape": (
        BOTH,
        "disagrees",
        "returned shape (2, 12, 3, 5, 64) for an input of",
        "R10",
    ),
    "returns_elsewhere": (
        BOTH,
        "disagrees",
        "returned a tensor on meta for an input on cpu",
        "N14",
    ),
    "returns_nan": (("forward",), "disagrees", "NaN or infinite elements", "R9"),
    "writes": ((), "agrees", "", None),
    "closes": (STATE, "disagrees", "closes standard output", "R29"),
    "changes_dtype": (STATE, "disagrees", "default dtype", "R18"),
    "changes_device": (STATE, "disagrees", "default device", "R18"),
    "changes_threads": (STATE, "disagrees", "thread count", "R18"),
    "changes_executor": (STATE, "disagrees", "TorchScript executor", "J8"),
    "changes_seeds": (STATE, "disagrees", "torch random state; Python random state", "R19"),
    "turns_off_gradients": (STATE, "disagrees", "grad mode", "R18"),
    "leaves_a_process": ((), "agrees", "", None),
}

BROKEN = {  # file: what both of its cells say
    "raises_on_import": (
        "unidentified",
        "ModuleNotFoundError: No module named 'no_such_package'",
        None,
    ),
    "does_not_parse": ("raises", "SyntaxError: expected ':'", "R26"),
    "hangs_on_import": ("hangs", "no answer within 12 s", "R21"),
    "exits_on_import": ("crashes", "the process ended with exit code 0", "R25"),
    "leaves_on_import": ("raises", "SystemExit: not here", "R26"),
    "segfaults_on_import": ("crashes", "the process was killed by SIGSEGV", "R23"),
    "eats_on_import": ("crashes", "over its limit of 1.0 GiB", "R20"),
}


@pytest.fixture
def hostile(among_hostile: Report) -> Cells:
    return cells(among_hostile)


@pytest.mark.parametrize("function", SPOILT)
def test_a_hostile_function_spoils_exactly_its_own_cells(function: str, hostile: Cells) -> None:
    spoilt, verdict, words, failure = SPOILT[function]
    for check in BOTH:
        cell = hostile[function, "float32", check]
        if check in spoilt:
            assert (cell.verdict, cell.failure) == (verdict, failure)
            assert words in cell.message
        else:
            assert (cell.verdict, cell.message) == ("agrees", None)


@pytest.mark.parametrize("name", BROKEN)
def test_a_module_that_cannot_be_imported_spoils_all_cells_of_its_function(
    name: str, hostile: Cells
) -> None:
    verdict, words, failure = BROKEN[name]
    for check in BOTH:
        cell = hostile[name, "float32", check]
        assert (cell.verdict, cell.failure) == (verdict, failure)
        assert words in cell.message
        assert "while it was imported and " in cell.message


def test_what_does_not_parse_is_shown(hostile: Cells) -> None:
    assert hostile["does_not_parse", "float32", "forward"].message.startswith(
        "SyntaxError: expected ':' (does_not_parse.py, line 1): def rotate(qkv, cos, sin)"
    )


def facts(cell: Cell) -> dict[str, object]:
    """Return all of a cell but the time it took."""
    return msgspec.structs.asdict(cell) | {"seconds": None}


@pytest.mark.parametrize("other", ["among_hostile", "wounded"])
def test_every_other_cell_is_what_it_is_alone(
    other: str, alone: Report, request: pytest.FixtureRequest
) -> None:
    names = {name.rpartition("/")[2] for name in NEIGHBOURS}
    beside: Report = request.getfixturevalue(other)
    checks = {cell.check for cell in beside.cells}
    expected = [facts(cell) for cell in alone.cells if cell.check in checks]
    found = [facts(cell) for cell in beside.cells if cell.implementation in names]
    assert found == expected
    assert all(cell["verdict"] == "agrees" for cell in found)
    assert any(cell["error"] for cell in found)


def test_a_crash_leaves_the_line_it_happened_at(hostile: Cells) -> None:
    for function in ("aborts", "segfaults", "loops", "loops_in_c", "sleeps"):
        frames = hostile[function, "float32", "forward"].trace
        assert any(
            frame.startswith("hostile.py:") and frame.endswith(f" in {function}")
            for frame in frames
        )
        assert not any("rotcheck/" in frame or frame.startswith("/") for frame in frames)


def test_every_cell_that_was_planned_is_there_and_the_summary_counts_them(
    among_hostile: Report,
) -> None:
    asked = [cell for cell in among_hostile.cells if cell.check != "convention"]
    assert len(asked) == among_hostile.planned == 2 * (len(SPOILT) + len(BROKEN) + 3)
    assert sum(among_hostile.summary.values()) == len(among_hostile.cells)
    assert not among_hostile.interrupted


def test_such_a_report_can_be_written_and_read_back(among_hostile: Report) -> None:
    assert from_json(msgspec.json.encode(among_hostile)).summary == among_hostile.summary


def test_one_that_kills_the_server_of_all_workers_spoils_its_own_cell(wounded: Report) -> None:
    cell = cells(wounded)["kills_the_server", "float32", "forward"]
    assert (cell.verdict, cell.failure) == ("crashes", "R22")
    assert "SIGKILL" in cell.message


def test_a_worker_killed_from_outside_costs_one_cell(wounded: Report) -> None:
    cell = cells(wounded)["waits_to_be_killed", "float32", "forward"]
    assert (cell.verdict, cell.message, cell.failure) == (
        "crashes",
        "the process was killed by SIGKILL",
        "R22",
    )


def test_no_process_is_left(among_hostile: Report, wounded: Report) -> None:
    """Not a worker, and not what `leaves_a_process` started."""
    assert psutil.Process().children(recursive=True) == []
    assert [p for p in psutil.process_iter(["cmdline"]) if TOKEN in (p.info["cmdline"] or [])] == []


def test_every_hostile_function_is_looked_at() -> None:
    names = {specification.rpartition(":")[2] for specification in functions(HOSTILE)}
    assert names == {*SPOILT, "rotate", "kills_the_server", "waits_to_be_killed"}
    assert {name.removesuffix(".py") for name in BROKEN_IMPORTS} == set(BROKEN)
