"""Which failure a text is taken for, and which texts are taken for none."""

import re
import subprocess
import sys

import pytest

from rotcheck.diagnose import Failure, all_failures, match
from rotcheck.diagnose.match import CONTEXTS

SAMPLES = [(failure.id, sample) for failure in all_failures() for sample in failure.samples]

TRACEBACK = """\
Traceback (most recent call last):
  File "train.py", line 12, in <module>
    loss = model(batch)
  File "model/rotary.py", line 51, in apply_rotary_pos_emb
    return rotate(qkv, cos, sin)
           ^^^^^^^^^^^^^^^^^^^^^
{}
"""
HANDLED = """
During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "train.py", line 30, in <module>
    raise RuntimeError("training failed")
RuntimeError: training failed
"""
DEPRECATED = "model/rotary.py:3: DeprecationWarning: `torch.jit.script` is deprecated. Please switch to ...\n"


def matched(text: str, rotary: bool = False) -> str | None:
    found = match(text, rotary=rotary)
    return found.id if found else None


@pytest.mark.parametrize(
    ("id", "sample"), SAMPLES, ids=[f"{id}: {sample[:40]}" for id, sample in SAMPLES]
)
def test_a_message_is_recognised_in_its_surroundings(id: str, sample: str) -> None:
    """Alone, at the end of a traceback, under a chained exception,
    in a log with ordinary lines around it."""
    traceback = TRACEBACK.format(sample)

    assert matched(sample, rotary=True) == id
    assert matched(traceback) == id
    assert matched(traceback + HANDLED) == id
    assert matched(f"step 100 loss 2.31\n{traceback}step 101 loss 2.30\n") == id


@pytest.mark.parametrize(
    "text",
    [
        "step 1200 | loss 2.3126 | lr 3.0e-04 | 41.2k tokens/s",
        "INFO:root:loaded 32 layers on cuda:0 in bfloat16; rotary base 10000, max position 4096",
        "Collecting flash-attn\n  Using cached flash_attn-2.8.3.tar.gz\nRequirement already satisfied: torch "
        "in ./lib/python3.11/site-packages (2.13.0)\nSuccessfully installed einops-0.8.2 flash-attn-2.8.3",
        TRACEBACK.format("KeyError: 'position_ids'"),
        TRACEBACK.format("ModuleNotFoundError: No module named 'torchvision'"),
        TRACEBACK.format("ModuleNotFoundError: No module named 'flash_attention'"),
        TRACEBACK.format("IndexError: list index out of range"),
        "UserWarning: The default value of the antialias parameter will change in a future release.",
        "config: recompile_limit=8, cache_size_limit=8, dtype=torch.bfloat16, device=mps",
        "torch 2.13.0, flash_attn 2.8.3, triton 3.7.0: rotary runs on cpu, cuda:0; 41 cells agree",
    ],
)
def test_healthy_and_unrelated_texts_match_nothing(text: str) -> None:
    """A false cause costs more than none."""
    assert matched(text) is None


@pytest.mark.parametrize(
    "failure", [one for one in all_failures() if one.context], ids=lambda one: one.id
)
def test_what_many_things_cause_needs_its_context(failure: Failure) -> None:
    """The same message is this failure under rotary code, and nobody's where nothing names any."""
    last = [sample.splitlines()[-1] for sample in failure.samples]
    bare = [line for line in last if not any(_names(one, line) for one in failure.context)]

    assert not any(matched(sample) for sample in bare)


def _names(context: str, text: str) -> bool:
    return bool(re.search(CONTEXTS.get(context, context), text, re.IGNORECASE))


def test_an_error_wins_over_the_warnings_before_it() -> None:
    """Every scripted function warns that TorchScript is deprecated; that is not why it died."""
    assert matched(DEPRECATED + TRACEBACK.format("RuntimeError: LLVM Backend not found")) == "J2"
    assert (
        matched(DEPRECATED + TRACEBACK.format("RuntimeError: Not support device type meta")) == "J4"
    )
    assert matched(DEPRECATED) == "J6"


def test_a_lower_tier_wins_over_a_general_signature() -> None:
    """That the process aborted is no reason when the line before says why."""
    abort = "terminating due to uncaught exception: Undefined type ComplexDouble\nFatal Python error: Aborted\n"
    size = "RuntimeError: The size of tensor a (64) must match the size of tensor b (32)\n"
    reason = "TypeError: '<' not supported between instances of 'NoneType' and 'int'\n"

    assert matched(abort) == "M2"
    assert matched(reason + size, True) == matched(size + reason, True) == "F9"


def test_the_longer_text_wins_within_a_tier() -> None:
    """The order of the lines does not matter, so that two reports of one failure agree."""
    short, long = "LLVM Backend not found", "No module named 'flash_attn.ops.triton'"

    assert matched(f"{short}\n{long}") == matched(f"{long}\n{short}") == "F4"


def test_both_ends_of_a_huge_log_are_read() -> None:
    """A warning of the first minute and the exception of the last are found;
    nobody waits for the middle."""
    filler, message = "ordinary line of a log\n" * 500_000, "Unknown device for graph fuser"

    assert matched(message + filler) == matched(filler + message) == "J1"


HOSTILE = """
import sys, time
from rotcheck.diagnose import all_failures, match
match("")
samples = [sample for failure in all_failures() for sample in failure.samples]
openings = ["CalledProcessError: Command '['", "CalledProcessError: Command '['cc', ", "flash_attn_2_cuda",
            "No module named 'flash_attn.ops", ".a", "Expected one of cpu, cuda,", "Assertion `", '"a',
            "_mps", "ptxas fatal ", "sm_1", "Trying to backward through a", "(", "\\\\", "\\n", "Warning"]
texts = ["", "\\0", "\\ud800 \\udfff", "\\u202e\\u0301\\U0001f9ee" * 100_000, "a" * 10_000_000]
texts += [opening * (2_000_000 // len(opening)) for opening in openings]
texts += [openings[1] + "a" * 2_000_000, openings[2] + "a" * 2_000_000, openings[3] + ".a" * 1_000_000]
texts += [sample[:-9] * (40_000 // len(sample)) for sample in samples if len(sample) > 9]
for text in texts:
    start = time.process_time()
    match(text)
    seconds = time.process_time() - start
    print(f"{seconds:.2f} s for {len(text)} characters of {ascii(text[:30])}")
    assert seconds < 5
"""


def test_hostile_text_is_answered_in_time() -> None:
    """Neither size nor odd characters nor text made to trip a regular expression can hang it."""
    subprocess.run(
        [sys.executable, "-c", HOSTILE], check=True, timeout=120, stdout=subprocess.DEVNULL
    )
