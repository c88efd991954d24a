"""The states of an installed library, from what became of its import and of its kernel."""

import pytest

from rotcheck.isolation import Died, Outcome, Raised, Returned, TimedOut
from rotcheck.probe.installation import import_failed, is_installed, state, version

FINE, RAISED = (
    Returned(None, 0.0),
    Raised("ImportError", "no such symbol", ("pack/__init__.py:3 in <module>",)),
)
CRASHED, HUNG = Died(-11, (), ""), TimedOut(60, ("pack/slow.py:1 in <module>",))


@pytest.mark.parametrize(
    ("imported", "ran", "expected"),
    [
        (FINE, FINE, "runs"),
        (FINE, RAISED, "cannot run here"),
        (FINE, CRASHED, "crashes"),
        (FINE, HUNG, "hangs"),
        (RAISED, RAISED, "broken"),
        (CRASHED, CRASHED, "crashes"),
        (HUNG, HUNG, "hangs"),
    ],
)
def test_a_state_follows_from_import_and_kernel(
    imported: Outcome, ran: Outcome, expected: str
) -> None:
    assert state(imported, ran) == expected


def test_a_failed_import_names_what_asked_for_it() -> None:
    assert (
        import_failed("pack", RAISED)
        == "ImportError: no such symbol (pack/__init__.py:3 in <module>)"
    )


def test_an_import_that_died_or_hung_is_named() -> None:
    assert import_failed("pack", CRASHED) == "the process was killed by SIGSEGV in `import pack`"
    assert (
        import_failed("pack", HUNG)
        == "`import pack`: no answer within 60 s, in pack/slow.py:1 in <module>"
    )


def test_a_package_is_found_without_importing_it() -> None:
    assert is_installed("this")
    assert version("pytest") == pytest.__version__
    assert not is_installed("no_such_package")
    assert version("no-such-package") is None
