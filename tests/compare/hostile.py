"""Functions in the seed's form, f(qkv, cos, sin), each of which misbehaves in one way;
and one that does not."""

import ctypes
import os
import random
import signal
import subprocess
import sys
import time
from types import FunctionType

import torch

import rotcheck

THREADS = torch.get_num_threads() + 3


def rotate(qkv, cos, sin):
    """The healthy one: all others are this with one thing wrong."""
    x1, x2 = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-x2, x1), -1) * sin


def aborts(qkv, cos, sin):
    os.abort()


def segfaults(qkv, cos, sin):
    ctypes.string_at(0)


def exits_at_once(qkv, cos, sin):
    os._exit(0)


def exits(qkv, cos, sin):
    sys.exit("leaving")


def interrupts(qkv, cos, sin):
    raise KeyboardInterrupt


class Base(BaseException):
    """Not an Exception."""

    def __str__(self):
        raise RuntimeError("no words either")


def raises_base(qkv, cos, sin):
    raise Base


def loops(qkv, cos, sin):
    while True:
        pass


def loops_in_c(qkv, cos, sin):
    ctypes.PyDLL(None).sleep(3600)  # PyDLL keeps the GIL


def sleeps(qkv, cos, sin):
    time.sleep(3600)


def ignores_signals(qkv, cos, sin):
    for number in (signal.SIGABRT, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(3600)


def eats_memory(qkv, cos, sin):
    held = []
    while True:
        held.append(torch.ones(16 << 20, dtype=torch.uint8))


def writes(qkv, cos, sin):
    print("noise on stdout" * 1000)
    print("noise on stderr" * 1000, file=sys.stderr)
    os.write(1, b"raw noise\n")
    return rotate(qkv, cos, sin)


def closes(qkv, cos, sin):
    if not sys.stdout.closed:
        sys.stdout.close()
        sys.stderr.close()
    for number in (0, 1, 2):
        try:
            os.close(number)
        except OSError:
            continue
    return rotate(qkv, cos, sin)


def changes_dtype(qkv, cos, sin):
    torch.set_default_dtype(torch.float64)
    return rotate(qkv, cos, sin)


def changes_device(qkv, cos, sin):
    torch.set_default_device("meta")
    return rotate(qkv, cos, sin)


def changes_threads(qkv, cos, sin):
    torch.set_num_threads(THREADS)
    return rotate(qkv, cos, sin)


def changes_executor(qkv, cos, sin):
    torch._C._jit_set_profiling_executor(False)
    return rotate(qkv, cos, sin)


def changes_seeds(qkv, cos, sin):
    torch.manual_seed(0)
    random.seed(0)
    return rotate(qkv, cos, sin)


def turns_off_gradients(qkv, cos, sin):
    torch.set_grad_enabled(False)
    return rotate(qkv, cos, sin)


def returns_none(qkv, cos, sin):
    return None


def returns_wrong_shape(qkv, cos, sin):
    return rotate(qkv, cos, sin)[:, :-1]


def returns_nan(qkv, cos, sin):
    return rotate(qkv, cos, sin) * torch.nan


def returns_elsewhere(qkv, cos, sin):
    return rotate(qkv, cos, sin).to("meta")


def leaves_a_process(qkv, cos, sin):
    sleeper = [sys.executable, "-c", "import time; time.sleep(3600)", os.environ.get("TOKEN", "")]
    subprocess.Popen(sleeper, start_new_session=True)
    return rotate(qkv, cos, sin)


def kills_the_server(qkv, cos, sin):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def closes_everything(qkv, cos, sin):
    os.closerange(3, 256)
    return rotate(qkv, cos, sin)


def sets_an_alarm(qkv, cos, sin):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(60)


def recurses(qkv, cos, sin):
    return recurses(qkv, cos, sin)


def reads_standard_input(qkv, cos, sin):
    return input()


def says_a_word_without_end(qkv, cos, sin):
    os.write(2, b"/a" * 30000)
    os.abort()


def says_what_is_no_text(qkv, cos, sin):
    raise FileNotFoundError(os.fsdecode(b"weights-\xff.bin"))


def waits_to_be_killed(qkv, cos, sin):
    with open(os.environ["WAITING"], "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)


for function in [each for each in list(globals().values()) if isinstance(each, FunctionType)]:
    rotcheck.declare(pairing="half", layout="qkv", tables="packed")(function)
