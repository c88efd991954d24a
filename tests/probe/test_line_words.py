"""From outcomes to words."""

import platform

from rotcheck.isolation import Died, OverMemory, Raised, Returned, TimedOut
from rotcheck.probe.outcome_lines import LONGEST, essence, line, outcome_line, runs, state_of, why

JIT = "The following operation failed in the TorchScript interpreter.\nTraceback:\nRuntimeError: bad\n"


def test_every_end_has_its_word() -> None:
    ends = [
        Returned(1, 0.0),
        Raised("E", "", ()),
        Died(-11, (), ""),
        TimedOut(1, ()),
        OverMemory(2, 1),
    ]
    assert [state_of(end) for end in ends] == ["runs", "raises", "crashes", "hangs", "crashes"]


def test_a_crash_names_signal_and_place() -> None:
    died = Died(-11, ("triton/compiler.py:3 in compile",), "")
    assert why(died) == "the process was killed by SIGSEGV, in triton/compiler.py:3 in compile"


def test_a_hang_names_limit_and_place() -> None:
    assert why(TimedOut(3, ("a.py:1 in f",))) == "no answer within 3 s, in a.py:1 in f"


def test_too_much_memory_is_said() -> None:
    assert why(OverMemory(9, 8)).startswith("held 9.0 GiB of memory")


def test_the_call_that_failed_is_counted() -> None:
    own = "rotcheck.probe.inside.thrice.CallFailed"
    assert runs(Raised(own, "on call 2: RuntimeError: no", ())) == 2
    assert runs(Returned(None, 0.0)) == 3


def test_torchscript_says_what_happened_in_its_last_line() -> None:
    assert essence(f"on call 2: RuntimeError: {JIT}") == "on call 2: RuntimeError: bad"


def test_torch_compile_says_it_in_its_second_line() -> None:
    said = "on call 1: BackendCompilerFailed: backend='inductor' raised:\nInvalidCxxCompiler: none\n\nSet X=1"
    assert essence(said) == "on call 1: InvalidCxxCompiler: none"


def test_others_say_it_in_their_first_line() -> None:
    assert essence("RuntimeError: first\nsecond") == "RuntimeError: first"
    assert essence("") == ""


def test_a_long_message_is_cut() -> None:
    assert len(essence("x" * 1000)) == LONGEST + len("...")


def test_paths_and_host_are_taken_out_of_words_and_values() -> None:
    values = {"where": ["/home/somebody/a.py"], "count": 1}
    found = line(
        "libraries", "x", "broken", f"/home/somebody/lib.so on {platform.node()}", values=values
    )
    assert "/home" not in found.detail
    assert found.values == {"where": ["a.py"], "count": 1}


def test_a_known_failure_brings_cause_and_fix() -> None:
    found = outcome_line(
        "torchscript", "x", Raised("NotImplementedError", "Unknown device for graph fuser", ())
    )
    assert (found.failure, found.state) == ("J1", "raises")
    assert found.cause
    assert found.fix


def test_an_unknown_failure_brings_none() -> None:
    found = outcome_line("torchscript", "x", Raised("ValueError", "never seen before", ()))
    assert (found.failure, found.cause, found.fix) == (None, None, None)
