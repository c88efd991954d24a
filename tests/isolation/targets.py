"""What the workers are asked to do in these tests:
each is called with a setup and returns what answers tasks."""

import ctypes
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import threading
import time

from rotcheck.isolation import worker_process

SLEEPER = "import time; time.sleep(600)"


def echo(setup):
    return lambda task: task


def process(setup):
    """Answers with the process that it runs in,
    unless the task is something that it must not survive."""
    return lambda task: os.getpid() if task == "pid" else ENDS[task]()


def crashing_open(setup):
    ENDS[setup]()
    return echo(setup)


def raising_open(setup):
    raise ImportError("cannot import the heart of it")


def limits(setup):
    """Answers how long it slept."""
    return lambda seconds: time.sleep(seconds) or seconds


def sends_signal(setup):
    return lambda name: (os.kill(os.getpid(), getattr(signal, name)), time.sleep(600))


def reads(setup):
    return lambda task: sys.stdin.read()


def exits(setup):
    return lambda code: os._exit(code)


def raises(setup):
    def answer(name):
        if name == "Unreadable":
            raise Unreadable
        raise {
            "SystemExit": SystemExit,
            "KeyboardInterrupt": KeyboardInterrupt,
            "ValueError": ValueError,
        }[name]("why")

    return answer


class Unreadable(BaseException):
    def __str__(self):
        raise RuntimeError


def outer(setup):
    return lambda task: inner(task)


def inner(task):
    return ENDS[task]()


def ignores_signals(setup):
    def answer(task):
        for number in (signal.SIGABRT, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(600)

    return answer


def grows(setup):
    """Takes memory by the MiB, in this process or in a child."""

    def answer(where):
        if where == "child" and os.fork():
            time.sleep(600)
        held = []
        while True:
            held.append(b"x" * (1 << 20))

    return answer


def forks(setup):
    """Forks while it is opened, as a module that forks at import does, and at each task."""
    os.fork()

    def answer(task):
        os.fork()
        return task

    return answer


def shares(setup):
    """Forks children that hold nothing of their own beside what they share with this process."""
    block = b"x" * (setup << 20)

    def answer(children):
        for _ in range(children):
            if os.fork() == 0:
                time.sleep(3)
                os._exit(0)
        time.sleep(1)
        return len(block) >> 20

    return answer


def says(setup):
    """Writes to standard output or error, then aborts."""

    def answer(task):
        number, text = task
        os.write(number, text.encode())
        os.abort()

    return answer


def answers_with(setup):
    values = {"nan": float("nan"), "set": {1}, "not UTF-8": os.fsdecode(b"a\xffb")}
    return lambda task: "x" * task if isinstance(task, int) else values[task]


def meddles(setup):
    """Writes to the connection to the front, or closes it."""
    return lambda task: MEDDLING[task]()


def _sockets():
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield number
        except OSError:
            continue


def _writes(data):
    for number in _sockets():
        os.write(number, data)


MEDDLING = {
    "nothing": lambda: "nothing",
    "no JSON": lambda: _writes(struct.pack("!i", 3) + b"abc"),
    "other JSON": lambda: _writes(struct.pack("!i", 3) + b"[1]"),
    "half a message": lambda: _writes(struct.pack("!i", 1 << 20) + json.dumps({}).encode()),
    "closes": lambda: os.closerange(3, 256),
    "forks": lambda: "forked" if os.fork() else "child",
}

ENDS = {
    "nothing": lambda: None,
    "spend": worker_process.spend,
    "abort": os.abort,
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(3),
    "sleep": lambda: time.sleep(600),
    "loop": lambda: [None for _ in iter(int, 1)],
    "loop in C": lambda: ctypes.PyDLL(None).sleep(600),  # PyDLL keeps the GIL
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "kill server": lambda: (os.kill(os.getppid(), signal.SIGKILL), time.sleep(600)),
    "stop server": lambda: (os.kill(os.getppid(), signal.SIGSTOP), time.sleep(600)),
    "stop server and go on": lambda: os.kill(os.getppid(), signal.SIGSTOP),
}


def leaves(setup):
    """Leaves a process behind, in a session of its own, that its `token` tells from others."""

    def answer(token):
        subprocess.Popen([sys.executable, "-c", SLEEPER, token], start_new_session=True)

    return answer


LAID = []  # the processes in which `lays` was called, seen by those that are forked from them


def lays(setup):
    LAID.append(os.getpid())
    LAYING[setup]()


def on_ground(setup):
    """Answers with the processes that did the groundwork, and this one and its parent."""
    return lambda task: [*LAID, os.getpid(), os.getppid()] if task == "where" else ENDS[task]()


def _raise():
    raise ImportError("not this one")


LAYING = {
    "nothing": lambda: None,
    "raise": _raise,
    "segfault": lambda: ctypes.string_at(0),
    "sleep": lambda: time.sleep(600),
    "fork": os.fork,
    "start a thread": lambda: threading.Thread(target=time.sleep, args=(600,), daemon=True).start(),
}


def fills(setup):
    """Writes so many bytes to standard output;
    they are a hole in a file, so that no disk is worn out."""

    def answer(size):
        os.lseek(1, size, os.SEEK_SET)
        os.write(1, b"x")

    return answer
