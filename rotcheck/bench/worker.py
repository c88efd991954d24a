"""Inside a worker: loads an implementation and the one it is held against, and times one row."""

import gc
import os
from collections.abc import Callable
from typing import Any

import msgspec
import torch

from rotcheck.bench import launches, peak_memory, rounds, timing_statistics
from rotcheck.bench.batch_timer import BatchTimer, copy_timer, rotation_timer
from rotcheck.bench.processor_load import ProcessorLoad
from rotcheck.bench.qkv_shapes import GIB, Capacity, sizes_of, too_large
from rotcheck.bench.workload import Size, mismatch
from rotcheck.implementations.interface import Unavailable
from rotcheck.measure.opening import NotAsked, open_subject
from rotcheck.measure.subject import Subject, Unidentified
from rotcheck.probe.inside.device_memory import memory_of
from rotcheck.results import Timing
from rotcheck.scrub import scrub

GB = 1e9
Answer = Callable[[list[str]], Any]


def open_row(setup: dict[str, Any]) -> Answer:
    """Load what `setup` names; return what answers the task [dtype, pass] with a `Timing`.

    Raises whatever the implementation raises while it is imported and loaded.
    """
    launches.show_compiled()
    _own_caches(setup["caches"])
    row = Timing(
        implementation=setup["shown"],
        device=setup["device"],
        dtype="",
        shape=setup["shape"],
        pass_="",
        state="ran",
    )
    try:
        against = (
            _load(setup["against"], row.device, setup["known_against"])
            if setup["against"]
            else None
        )
        loaded = _load(setup["implementation"], row.device, setup["known"])
    except NotAsked as error:
        row = _with(row, state=error.state, message=str(error))
        return lambda task: _answer(_with(row, dtype=task[0], pass_=task[1]))
    except Unidentified:
        memory = setup["known"]["unidentified"]
        row = _with(row, state="unidentified", message=memory["message"], fix=memory["advice"])
        return lambda task: _answer(_with(row, dtype=task[0], pass_=task[1]))
    budget = setup["seconds"]
    return lambda task: _answer(
        _time(_with(row, dtype=task[0], pass_=task[1]), loaded, against, budget)
    )


def _load(name: str, device: str, known: dict[str, Any]) -> Subject:
    # the copy that it is timed beside has as many threads as there are
    return open_subject({**known, "implementation": name, "device": device}, threads=None)


def _own_caches(folder: str) -> None:
    """Let compilers find nothing that an earlier process compiled: a first call is a first one."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(folder, "inductor")
    os.environ["TRITON_CACHE_DIR"] = os.path.join(folder, "triton")


def _refusal(subject: Subject, row: Timing, size: Size) -> str | None:
    """Its reason not to run a dtype on a device, or not to be differentiated."""
    return subject.skip(row.device, row.dtype) or (subject.no_gradient if size.backward else None)


def _with(row: Timing, **more: Any) -> Timing:
    return msgspec.structs.replace(row, **more)


def _answer(row: Timing) -> Any:
    return msgspec.to_builtins(row)


def _time(row: Timing, loaded: Subject, against: Subject | None, budget: float) -> Timing:
    size = _size(row)
    _wake(size.device)
    reason = _refusal(loaded, row, size) or mismatch(loaded.convention, size)
    reason = reason or _lacks_memory(row, size.device)
    if reason:
        return _with(row, state="skipped", message=reason)
    try:
        timers = _timers(loaded, against, size)
        first = [rounds.warm_up(timer) for timer in timers]
    except Unavailable as error:
        return _with(row, state="unavailable", message=scrub(str(error)))
    mine = timers[-1]
    calls = [rounds.calls_of(timer, min(seconds)) for timer, seconds in zip(timers, first)]
    neighbours = ProcessorLoad()
    with neighbours.observe():
        seconds = _race(timers, calls, budget * len(timers))
    row = _with(
        row, path=loaded.path()[0] or row.implementation, rounds=len(seconds[-1]), calls=calls[-1]
    )
    row = _with(row, others_percent=neighbours.busy_percent)
    row = _beside_the_copy(row, mine, seconds[0], seconds[-1], 2 if size.backward else 1)
    row = _from_the_start(row, loaded, first[-1])
    if against:
        row = _beside_the_baseline(row, against, first[1], seconds[1], seconds[-1])
    return _footprint(row, mine, size.device)


def _lacks_memory(row: Timing, device: torch.device) -> str | None:
    """Return why what is free on the device, which others use too, has no room for the shape."""
    memory = memory_of(device)
    return (
        too_large(row.shape, row.dtype, Capacity(memory[0] / GIB, f"free on {row.device} are"))
        if memory
        else None
    )


def _timers(loaded: Subject, against: Subject | None, size: Size) -> list[BatchTimer]:
    """Return what is raced, itself the last."""
    mine = rotation_timer(loaded, size)
    return [copy_timer(mine, size), *([rotation_timer(against, size)] if against else []), mine]


def _size(row: Timing) -> Size:
    batch, length, _, heads, width = sizes_of(row.shape)
    dtype: torch.dtype = getattr(torch, row.dtype)
    return Size(
        batch, length, heads, width, dtype, torch.device(row.device), row.pass_ != "forward"
    )


def _wake(device: torch.device) -> None:
    """Have torch do once what it does at its very first operations, so that nobody's first call pays for it."""
    x = torch.ones(2, device=device, requires_grad=True)
    torch.autograd.grad(torch.cat((-x, x)) * 2, x, torch.ones(4, device=device))


def _race(timers: list[BatchTimer], calls: list[int], budget: float) -> list[list[float]]:
    gc.collect()
    gc.disable()  # it would run in some batches and not in others
    seconds = rounds.interleaved(timers, calls, budget)
    gc.enable()
    return seconds


def _beside_the_copy(
    row: Timing, mine: BatchTimer, copy: list[float], loaded: list[float], times: int
) -> Timing:
    byte_count = 2 * times * mine.bytes / GB
    seconds, copy_spread = timing_statistics.spread(loaded), timing_statistics.spread(copy)
    return _with(
        row,
        seconds=seconds,
        copy_seconds=copy_spread,
        copy_gb_per_second=byte_count / copy_spread.median,
        gb_per_second=byte_count / seconds.median,
        times_copy=timing_statistics.ratio(loaded, copy),
        copy_share=timing_statistics.ratio([100 * each for each in copy], loaded),
        input_bytes=mine.bytes,
    )


def _from_the_start(row: Timing, loaded: Subject, first: list[float]) -> Timing:
    assert row.seconds is not None, "it was timed"
    compile_seconds = loaded.target.load_seconds + timing_statistics.excess(first, row.seconds)
    return _with(
        row,
        load_seconds=loaded.target.load_seconds,
        first_call_seconds=first[0],
        compile_seconds=compile_seconds,
    )


def _beside_the_baseline(
    row: Timing, against: Subject, first: list[float], theirs: list[float], loaded: list[float]
) -> Timing:
    assert row.seconds is not None, "it was timed"
    assert row.compile_seconds is not None, "its first calls were timed"
    speedup, baseline = timing_statistics.ratio(theirs, loaded), timing_statistics.spread(theirs)
    extra = (
        row.compile_seconds
        - against.target.load_seconds
        - timing_statistics.excess(first, baseline)
    )
    return _with(
        row,
        baseline_seconds=baseline,
        speedup=speedup,
        break_even_calls=timing_statistics.break_even(extra, row.seconds, speedup),
    )


def _footprint(row: Timing, mine: BatchTimer, device: torch.device) -> Timing:
    profiler = launches.profiler(device)
    mine.once(profiler)
    peak = peak_memory.peak(mine, device, profiler)
    return _with(
        row,
        peak_bytes=peak,
        peak_inputs=None if peak is None else peak / mine.bytes,
        launches=launches.launches(profiler, device),
    )
