"""What a log is explained by: what ended the run, how sure, and what else is known of."""

import pytest

from rotcheck import log
from rotcheck.diagnose.explanation import Explanation, explain


def explained(text: str) -> Explanation:
    return explain(log.read_text(text))


def summary(text: str) -> tuple[str, str, str | None]:
    """The outcome, how sure, and the id of what it is."""
    told = explained(text)
    if told.answer is None:
        return told.outcome, "", None
    entry = told.answer.failure or told.answer.message
    return told.outcome, told.answer.certainty, entry.id if entry else None


def traceback(message: str, *frames: str) -> str:
    lines = [
        f'  File "{frame}\n    step()' for frame in frames or ('train.py", line 3, in <module>',)
    ]
    return "\n".join(["Traceback (most recent call last):", *lines, message, ""])


FUSER = "NotImplementedError: Unknown device for graph fuser"
STEPS = "".join(
    f"2026-01-01 10:00:{second:02d} INFO step {second} loss 2.31\n" for second in range(60)
)
ROTARY_FRAME = 'model/rotary.py", line 51, in apply_rotary_pos_emb'
ASSERT = "RuntimeError: CUDA error: device-side assert triggered"
SYMBOL = "ImportError: /x/flash_attn_2_cuda.cpython-310-x86_64-linux-gnu.so: undefined symbol: _ZN3c105ErrorC2ENS"
CAUSED = "\nThe above exception was the direct cause of the following exception:\n\n"
WARNED = (
    "/x/torch/_inductor/lowering.py:1713: UserWarning: Torchinductor does not support code generation for "
    "complex operators. Performance may be worse than eager.\n"
)


def test_a_message_of_its_own_is_certain() -> None:
    """Nothing else prints it."""
    assert summary(traceback(FUSER)) == ("failed", "certain", "J1")


def test_a_message_of_many_causes_is_likely_only_under_rotary_code() -> None:
    """The frame that speaks for it is named; without one the message is not blamed on rotary."""
    under = explained(traceback(ASSERT, 'train.py", line 3, in <module>', ROTARY_FRAME))

    assert under.answer is not None
    assert under.answer.failure is not None
    assert (under.answer.failure.id, under.answer.certainty) == ("C5", "likely")
    assert "`rotary.py:51` in `apply_rotary_pos_emb`" in under.answer.why
    elsewhere = explained(traceback(ASSERT, 'train.py", line 3, in <module>'))
    assert elsewhere.answer is not None
    assert elsewhere.answer.failure is None


def test_a_slip_in_the_code_that_handles_an_exception_is_not_the_reason() -> None:
    """The NameError ended the run, but only because the exception before it was being handled."""
    during = "\nDuring handling of the above exception, another exception occurred:\n\n"
    oom, slip = (
        traceback("RuntimeError: CUDA out of memory."),
        traceback("NameError: name 'trainer' is not defined"),
    )
    told = explained(oom + during + slip)

    assert told.answer is not None
    assert told.answer.message is not None
    assert (told.answer.message.id, told.answer.certainty) == ("G20", "general")
    assert told.crash is not None
    assert told.crash.text.startswith("NameError")
    assert summary(oom + during + traceback("KeyError: 'lr'"))[2] == "G15"


def test_an_abort_is_explained_by_what_was_thrown() -> None:
    """`terminate called` says only how the process ended."""
    abort = "terminate called after throwing an instance of 'c10::Error'\n  what():  "

    assert summary(f"{abort}{ASSERT[14:]}\n")[2] == "G3"
    assert summary(f"{abort}basic_string::_M_create\n")[2] == "G25"


def test_a_few_quiet_lines_of_a_run_went_well() -> None:
    """A short log without trouble is no unknown message;
    a person's words about a run are no log."""
    started = "Loading weights\nCreating model\nModel loaded\nRunning on local URL: http://127.0.0.1:7860\n"

    assert summary(started) == ("well", "", None)
    assert summary("I trained it\nIt goes on\nto epoch 3\nand then it is slow\n")[0] == "unknown"
    assert summary("Loading weights\nCreating model\nModel loaded\nDone with it\n")[0] == "unknown"


def test_of_a_crash_the_thread_that_died_speaks() -> None:
    """faulthandler lists the other threads first."""
    other = '  File "/usr/lib/python3.11/threading.py", line 327 in wait\n'
    died = '  File "/x/site-packages/flash_attn/ops/triton/rotary.py", line 203 in apply_rotary\n'
    threads = "\nThread 0x0700 (most recent call first):\n{}\nCurrent thread 0x2740 (most recent call first):\n{}"

    assert (
        summary(f"Fatal Python error: Segmentation fault\n{threads.format(other, died)}")[2]
        == "R23"
    )
    assert (
        summary(f"Fatal Python error: Segmentation fault\n{threads.format(died, other)}")[1]
        == "general"
    )


def test_a_folder_that_a_user_named_is_no_rotary_code() -> None:
    """Whoever calls a project rope does not make every crash one of rotary."""
    told = explained(traceback(ASSERT, '/home/x/rope/rotary/src/data.py", line 3, in collate'))

    assert told.answer is not None
    assert told.answer.failure is None


def test_a_list_of_packages_is_no_rotary_code() -> None:
    """A pip list elsewhere in the log says nothing about where it died."""
    listed = "flash_attn 2.8.3\nrotary-embedding-torch 0.8\n" + STEPS

    told = explained(listed + traceback(ASSERT))

    assert told.answer is not None
    assert told.answer.failure is None


def test_the_known_cause_of_an_unknown_end_is_the_answer() -> None:
    """The undefined symbol explains why something could not be imported;
    the end itself is shown too."""
    told = explained(
        traceback(SYMBOL) + CAUSED + traceback("RuntimeError: The model could not be built")
    )

    assert told.answer is not None
    assert told.answer.failure is not None
    assert (told.answer.failure.id, told.answer.certainty) == ("F1", "likely")
    assert told.crash is not None
    assert told.crash.text == "RuntimeError: The model could not be built"


def test_of_a_run_that_died_of_something_unknown_the_warning_is_only_also_seen() -> None:
    """Eight of fourteen logs were once told the story of their first warning."""
    told = explained(WARNED + STEPS + traceback("MeshError: three holes"))

    assert told.answer is not None
    assert (told.outcome, told.answer.certainty, told.answer.text) == (
        "failed",
        "unknown",
        "MeshError: three holes",
    )
    assert [(seen.line, seen.kind, seen.id) for seen in told.also] == [(1, "warning", "K1")]
    assert any("add-a-failure" in line for line in told.next)


def test_a_run_that_went_on_ended_well() -> None:
    """Its warning is listed and nothing is blamed for it."""
    told = explained(WARNED + STEPS + "training finished\n")

    assert (told.outcome, told.answered, told.answer) == ("well", True, None)
    assert [seen.id for seen in told.also] == ["K1"]


def test_a_warning_alone_is_explained() -> None:
    """Somebody picked it out of a log and asks what it means."""
    assert summary(WARNED) == ("well", "certain", "K1")


def test_the_line_is_that_of_the_message() -> None:
    """A reader finds it in an editor."""
    told = explained(STEPS + traceback(FUSER))

    assert told.answer is not None
    assert told.answer.line == 64


@pytest.mark.parametrize(
    "text",
    [
        f"## Bug\n\nOn my Mac the model stops with\n\n```\n{FUSER}\n```\n\nWhat can I do?",
        f"Since yesterday I get `{FUSER}` on my Mac and do not know why.",
        f"when I run it, it says “{FUSER.replace(' ', '  ')}” and stops".upper(),
    ],
    ids=["markdown", "sentence", "shouted"],
)
def test_a_message_quoted_in_prose_is_known(text: str) -> None:
    """Whoever pastes a bug report is answered too."""
    assert summary(text)[2] == "J1"


@pytest.mark.parametrize("text", ["zork", "my cat is ill", "all is well", "", "\0\x01\x02\xff"])
def test_what_says_nothing_is_unknown(text: str) -> None:
    """No answer is made up."""
    assert summary(text) == ("unknown", "unknown", None)


def test_source_code_that_quotes_a_message_is_no_failure() -> None:
    """The output of grep over a test suite."""
    text = f'tests/test_err.py:10:    with pytest.raises(RuntimeError, match="{FUSER}"):\n'

    told = explained(text + 'tests/test_err.py:14:    # see "LLVM Backend not found"\n')

    assert (told.outcome, told.answered, told.answer) == ("code", True, None)


def test_an_unknown_text_says_what_probe_can_tell_of_it() -> None:
    """By the devices and tools that it names."""
    told = explained("RuntimeError: Triton: the kernel could not be placed on the MPS device")

    assert told.next[0].startswith("`rotcheck probe` runs a kernel on MPS, Triton's compiler")
