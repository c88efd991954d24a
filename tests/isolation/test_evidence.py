"""What is left of a worker: the signal by its name, the last frames, the last words,
nothing that names the owner."""

import platform
from pathlib import Path

import pytest
from pools import STARTS, outcomes

import rotcheck
from rotcheck.frames import is_own
from rotcheck.isolation import Died, Raised
from rotcheck.isolation.traces import last_lines, of_fault

both = pytest.mark.parametrize("start", STARTS)
HERE = str(Path(__file__).parent)
PACKAGE = Path(rotcheck.__file__).parent


@both
@pytest.mark.parametrize(
    "name", ["SIGSEGV", "SIGABRT", "SIGKILL", "SIGFPE", "SIGBUS", "SIGTERM", "SIGALRM"]
)
def test_a_signal_is_named(start: str, name: str) -> None:
    (found,) = outcomes("sends_signal", [name], start=start)
    assert found.signal_name == name
    assert str(found) == f"the process was killed by {name}"


def test_a_real_time_signal_has_a_number() -> None:
    assert Died(-40, (), "").signal_name == "signal 40"


@pytest.mark.parametrize("code", [0, 3, 255])
def test_an_exit_is_told_with_its_code(code: int) -> None:
    (found,) = outcomes("exits", [code])
    assert (found.status, found.signal_name) == (code, None)
    assert str(found) == f"the process ended with exit code {code}"


@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt", "ValueError"])
def test_whatever_is_raised_is_an_answer(kind: str) -> None:
    (found,) = outcomes("raises", [kind])
    assert str(found) == f"{kind}: why"
    assert found.trace[0].startswith("targets.py:")


def test_an_exception_without_words_keeps_its_name() -> None:
    (found,) = outcomes("raises", ["Unreadable"])
    assert found == Raised(
        "targets.Unreadable", "(its message cannot be read: str() raised RuntimeError)", found.trace
    )


@both
@pytest.mark.parametrize("end", ["segfault", "abort", "loop in C"])
def test_a_death_leaves_the_frames_of_whoever_died_innermost_first(start: str, end: str) -> None:
    (found,) = outcomes("outer", [end], start=start, limit=1)
    names = [
        frame.rpartition(" in ")[2] for frame in found.trace if frame.startswith("targets.py:")
    ]
    assert names[-2:] == ["inner", "<lambda>"]


@pytest.mark.parametrize("end", ["segfault", "no such key"])
def test_the_frames_are_nobody_elses_and_have_no_path(end: str) -> None:
    (found,) = outcomes("outer", [end])
    assert found.trace
    assert not any(
        "rotcheck/" in frame or HERE in frame or frame.startswith("/") for frame in found.trace
    )


@pytest.mark.parametrize("stream", [1, 2])
def test_the_last_lines_of_its_output_are_kept_without_paths(stream: int) -> None:
    words = f"first\nsecond\nthird\ncannot open {HERE}/secret.bin\nlast\n"
    (found,) = outcomes("says", [[stream, words]])
    assert found.output == "third\ncannot open secret.bin\nlast"


def test_a_line_without_end_is_cut_and_does_not_hold_up_the_front() -> None:
    (found,) = outcomes("says", [[2, "x " + "/a" * 30000]])
    assert isinstance(found, Died)
    assert len(found.output) <= 500


def test_output_that_is_no_text_is_kept_as_far_as_it_is() -> None:
    assert last_lines(b"\xff\xfe broken".decode(errors="replace")).endswith("broken")


def test_the_host_name_is_no_part_of_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "gandalf")
    assert (
        last_lines("gandalf: connection refused by gandalf-2")
        == "<host>: connection refused by <host>-2"
    )


DUMP = """Fatal Python error: Segmentation fault

Thread 0x00007f0000000001 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait
Current thread 0x00007f0000000000 (most recent call first):
  File "/home/somebody/model/rotary.py", line 12 in rotate
  File "<string>", line 1 in <module>
  File "/home/somebody/venv/lib/python3.11/site-packages/rotcheck/measure/subject.py", line 80 in call
  File "/home/somebody/venv/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1500 in forward

Extension modules: numpy (total: 1)
"""


def test_of_a_fault_the_frames_of_the_current_thread_are_kept() -> None:
    assert of_fault(DUMP) == (
        "rotary.py:12 in rotate",
        "torch/nn/modules/module.py:1500 in forward",
    )


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("measure/subject.py", True),
        ("bench/rounds.py", True),
        ("train/rotation.py", True),
        ("room_of_tomorrow/worker.py", True),
        ("implementations/builtin/native.py", False),
        ("rotary/paths/cpu.py", False),
    ],
)
def test_frames_of_rotcheck_are_its_own_in_all_rooms_but_those_of_functions_under_test(
    file: str, own: bool
) -> None:
    installed = f"/home/somebody/venv/lib/python3.11/site-packages/rotcheck/{file}"
    assert is_own(installed) == own
    assert is_own(str(PACKAGE / file)) == own
    assert not is_own(f"/home/somebody/rotcheck/{file}")  # a project of that name
    assert not is_own(f"/home/somebody/venv/lib/python3.11/site-packages/torch/{file}")


def test_the_fault_itself_is_no_last_word() -> None:
    assert last_lines("out of cheese\n" + DUMP) == "out of cheese"
