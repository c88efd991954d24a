"""What to do about a file whose import raises, dies or does not end,
as a command that can be pasted."""

import pytest

from rotcheck.compare.convention_check import convention_cell
from rotcheck.identify.front_identity import identity_of
from rotcheck.identify.telling.next_step import next_step
from rotcheck.identify.worker_setup import setup_of
from rotcheck.isolation import Died, Done, Job, Raised, TimedOut
from rotcheck.isolation.outcome import Outcome
from rotcheck.results import Description, Identification, exit_code


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (
            Raised("ModuleNotFoundError", "No module named 'x'", ()),
            "install the package that has the module x, or put the folder that holds it on PYTHONPATH",
        ),
        (
            Raised("SystemExit", "3", ()),
            "`python -X faulthandler 'my model.py'` shows what it does",
        ),
        (Died(-11, (), ""), "its import must work first: `python -X faulthandler 'my model.py'`"),
        (
            TimedOut(180.0, ()),
            "shows where its import waits; one that is only slow needs --timeout 900",
        ),
    ],
)
def test_a_file_that_cannot_be_imported_is_not_told_to_declare(outcome: Outcome, said: str) -> None:
    setup = {"specification": "my model.py:rope", "shown": "my model.py:rope", "device": "cpu"}
    told = identity_of(
        Done(Job("my model.py:rope", "", setup, [None]), 0, outcome, opening=True)
    ).identification
    assert told.answer == "unknown"
    assert said in told.advice[0]
    assert "declare" not in " ".join(told.advice)


def test_the_next_command_can_be_pasted_whatever_the_file_is_called() -> None:
    right = Identification(
        rotcheck="1",
        specification="my model.py:rope",
        torch=None,
        device="cpu",
        follows=True,
        convention=Description(kind="applies"),
    )
    assert (
        next_step(right, "my model.py:rope")
        .advice[0]
        .startswith("rotcheck compare 'my model.py:rope'  (")
    )


@pytest.mark.parametrize(
    ("kind", "unidentified"),
    [("ModuleNotFoundError", True), ("SystemExit", False), ("RuntimeError", False)],
)
def test_a_package_that_is_not_here_accuses_nobody(kind: str, unidentified: bool) -> None:
    setup = {"specification": "model.py:rope", "shown": "model.py:rope", "device": "cpu"}
    found = identity_of(
        Done(Job("model.py:rope", "", setup, [None]), 0, Raised(kind, "", ()), opening=True)
    )
    assert ("instead" in setup_of(found)) == unidentified
    cell = convention_cell(found, "model.py:rope", "cpu", "float32", other_cells=())
    assert (cell.verdict, exit_code([cell])) == ("unidentified", 1)
