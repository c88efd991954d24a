"""Functions whose time, memory, operations or end is known."""

import os
import time
from types import FunctionType

import torch

import rotcheck

PAUSE = 0.02  # seconds that a slow call takes
FIRST = 0.3  # seconds that the first call takes
calls = 0


def plain(qkv, cos, sin):
    first, second = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-second, first), -1) * sin


def slow(qkv, cos, sin):
    time.sleep(PAUSE)
    return qkv.clone()


def half_as_slow(qkv, cos, sin):
    time.sleep(PAUSE / 2)
    return qkv.clone()


def first_call_sleeps(qkv, cos, sin):
    """Takes no time to speak of, once it has slept."""
    global calls
    calls += 1
    if calls == 1:
        time.sleep(FIRST)
    return qkv.clone()


def second_call_sleeps(qkv, cos, sin):
    """As TorchScript does, it compiles at its second call."""
    global calls
    calls += 1
    if calls == 2:
        time.sleep(FIRST)
    return qkv.clone()


def slow_and_first_call_sleeps(qkv, cos, sin):
    first_call_sleeps(qkv, cos, sin)
    return slow(qkv, cos, sin)


def holds_five_inputs(qkv, cos, sin):
    held = [qkv.clone() for _ in range(4)]
    return held[0].clone()


def holds_its_result_only(qkv, cos, sin):
    return qkv.clone()


def three_operations(qkv, cos, sin):
    """Three that work, among views and an allocation that do not."""
    shape = qkv.shape
    summed = (qkv.view(-1).detach().view(shape) * cos) + 1
    torch.empty(7)
    return summed.transpose(0, 0).neg_()


def raises(qkv, cos, sin):
    raise NotImplementedError("Unknown device for graph fuser")


def raises_in_bfloat16(qkv, cos, sin):
    if qkv.dtype == torch.bfloat16:
        raise ValueError("no bfloat16 here")
    return plain(qkv, cos, sin)


def dies(qkv, cos, sin):
    os.abort()


def never_returns(qkv, cos, sin):
    while True:
        time.sleep(1)


def detached(qkv, cos, sin):
    return plain(qkv.detach(), cos, sin)


def promotes(qkv, cos, sin):
    return plain(qkv.float(), cos, sin)


def one_thread(qkv, cos, sin):
    """Changes a switch of the whole process, which must not slow down the others."""
    torch.set_num_threads(1)
    return plain(qkv, cos, sin)


def two_threads_are_left(qkv, cos, sin):
    assert torch.get_num_threads() > 1 or os.cpu_count() == 1
    return plain(qkv, cos, sin)


def alone(qkv, cos, sin):
    """Fails when another process is in here at the same time."""
    mine = os.open(os.path.join(os.path.dirname(__file__), "occupied"), os.O_CREAT | os.O_EXCL)
    time.sleep(0.001)
    os.close(mine)
    os.unlink(os.path.join(os.path.dirname(__file__), "occupied"))
    return qkv.clone()


alone_too = alone


def no_cache(qkv, cos, sin):
    """Fails when what another process compiled could be found."""
    global calls
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
        folder = os.environ[name]
        if calls == 0 and os.path.exists(folder):
            raise FileExistsError(name)
        os.makedirs(folder, exist_ok=True)  # as a compiler would
    calls += 1
    return qkv.clone()


for function in [each for each in list(globals().values()) if isinstance(each, FunctionType)]:
    rotcheck.declare(pairing="half", layout="qkv", tables="packed")(
        function
    )  # whatever they do, they are timed
