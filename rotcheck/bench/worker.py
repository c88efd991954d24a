"""Inside a worker: loads an implementation and the baseline, and times one row."""

import gc
import os
from collections.abc import Callable
from typing import Any

import msgspec
import torch
from msgspec.structs import replace

from rotcheck.bench import launches, peak_memory, rounds
from rotcheck.bench.batch_timer import BatchTimer, copy_timer, rotation_timer
from rotcheck.bench.processor_load import ProcessorLoad
from rotcheck.bench.qkv_shapes import Capacity, parse, too_large
from rotcheck.bench.timing_statistics import break_even, excess, ratio, spread
from rotcheck.bench.workload import Size, mismatch
from rotcheck.implementations.interface import Unavailable
from rotcheck.isolation.memory import GIB
from rotcheck.measure.subject import Subject
from rotcheck.measure.subject_opening import NotAsked, open_subject
from rotcheck.probe.inside.device_memory import memory_of
from rotcheck.results import Timing
from rotcheck.scrub import scrub

GB = 1e9
Answer = Callable[[list[str]], Any]


def open_row(setup: dict[str, Any]) -> Answer:
    """Load what `setup` names; what answers the task [dtype, pass] with a `Timing`.

    Raises whatever the implementation raises while it is imported and loaded.
    """
    launches.show_compiled()
    _empty_caches(setup["caches"])
    row = Timing(
        implementation=setup["shown"],
        device=setup["device"],
        dtype="",
        shape=setup["shape"],
        pass_="",
        state="ran",
    )
    subject = baseline = None
    try:
        baseline = _load(setup["baseline"]) if setup["baseline"] else None
        subject = _load({**setup, **setup["identity"]})
    except NotAsked as error:
        why = error.answer
        row = replace(row, state=why["state"], message=why["message"], fix=why["advice"])

    def answer(task: list[str]) -> Any:
        timing = replace(row, dtype=task[0], pass_=task[1])
        if subject is not None:
            timing = _time(timing, subject, baseline, setup["seconds"])
        return msgspec.to_builtins(timing)

    return answer


def _load(setup: dict[str, Any]) -> Subject:
    # the copy that it is timed beside has as many threads as there are
    return open_subject(setup, threads=None)


def _empty_caches(folder: str) -> None:
    """Hide from compilers what earlier processes compiled: a first call compiles."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(folder, "inductor")
    os.environ["TRITON_CACHE_DIR"] = os.path.join(folder, "triton")


def _time(row: Timing, subject: Subject, baseline: Subject | None, budget: float) -> Timing:
    size = _size(row)
    _wake(size.device)
    reason = (
        subject.target.skip(row.device, row.dtype)
        or (subject.no_gradient if size.backward else None)
        or mismatch(subject.convention, size)
        or _lacks_memory(row, size.device)
    )
    if reason:
        return replace(row, state="skipped", message=reason)
    try:
        timers = _timers(subject, baseline, size)
        first = [rounds.warm_up(timer) for timer in timers]
    except Unavailable as error:
        return replace(row, state="unavailable", message=scrub(str(error)))
    mine = timers[-1]
    calls = [rounds.calls_of(timer, min(seconds)) for timer, seconds in zip(timers, first)]
    load = ProcessorLoad()
    with load.observe():
        seconds = _race(timers, calls, budget * len(timers))
    row = replace(
        row,
        path=subject.target.path()[0] or row.implementation,
        rounds=len(seconds[-1]),
        calls=calls[-1],
        others_percent=load.busy_percent,
    )
    row = _beside_the_copy(row, mine, seconds[0], seconds[-1], 2 if size.backward else 1)
    row = _from_the_start(row, subject, first[-1])
    if baseline:
        row = _beside_the_baseline(row, baseline, first[1], seconds[1], seconds[-1])
    return _footprint(row, mine, size.device)


def _lacks_memory(row: Timing, device: torch.device) -> str | None:
    """Why what is free on the device, which others use too, has no room for the shape."""
    memory = memory_of(device)
    if not memory:
        return None
    free = Capacity(memory[0] / GIB, f"free on {row.device} are")
    return too_large(row.shape, row.dtype, free)


def _timers(subject: Subject, baseline: Subject | None, size: Size) -> list[BatchTimer]:
    """What takes turns: the copy, the baseline if it runs, and last the subject."""
    mine = rotation_timer(subject, size)
    beside = [rotation_timer(baseline, size)] if baseline else []
    return [copy_timer(mine, size), *beside, mine]


def _size(row: Timing) -> Size:
    shape = parse(row.shape)
    return Size(
        shape.batch,
        shape.length,
        shape.heads,
        shape.width,
        getattr(torch, row.dtype),
        torch.device(row.device),
        row.pass_ != "forward",
        shape.key_heads,
    )


def _wake(device: torch.device) -> None:
    """Run torch's first operations, so that no first call pays for them."""
    x = torch.ones(2, device=device, requires_grad=True)
    torch.autograd.grad(torch.cat((-x, x)) * 2, x, torch.ones(4, device=device))


def _race(timers: list[BatchTimer], calls: list[int], budget: float) -> list[list[float]]:
    gc.collect()
    gc.disable()  # it would run in some batches and not in others
    seconds = rounds.interleaved(timers, calls, budget)
    gc.enable()
    return seconds


def _beside_the_copy(
    row: Timing, mine: BatchTimer, copy: list[float], calls: list[float], times: int
) -> Timing:
    byte_count = 2 * times * mine.bytes / GB
    seconds, copy_spread = spread(calls), spread(copy)
    return replace(
        row,
        seconds=seconds,
        copy_seconds=copy_spread,
        copy_gb_per_second=byte_count / copy_spread.median,
        gb_per_second=byte_count / seconds.median,
        times_copy=ratio(calls, copy),
        copy_share=ratio([100 * copy_seconds for copy_seconds in copy], calls),
        input_bytes=mine.bytes,
    )


def _from_the_start(row: Timing, subject: Subject, first: list[float]) -> Timing:
    assert row.seconds is not None, "it was timed"
    load_seconds = subject.target.load_seconds
    return replace(
        row,
        load_seconds=load_seconds,
        first_call_seconds=first[0],
        compile_seconds=load_seconds + excess(first, row.seconds),
    )


def _beside_the_baseline(
    row: Timing, baseline: Subject, first: list[float], theirs: list[float], mine: list[float]
) -> Timing:
    assert row.seconds is not None, "it was timed"
    assert row.compile_seconds is not None, "its first calls were timed"
    speedup, baseline_seconds = ratio(theirs, mine), spread(theirs)
    extra = row.compile_seconds - baseline.target.load_seconds - excess(first, baseline_seconds)
    return replace(
        row,
        baseline_seconds=baseline_seconds,
        speedup=speedup,
        break_even_calls=break_even(extra, row.seconds, speedup),
    )


def _footprint(row: Timing, mine: BatchTimer, device: torch.device) -> Timing:
    profiler = launches.profiler(device)
    mine.once(profiler)
    peak = peak_memory.peak(mine, device, profiler)
    return replace(
        row,
        peak_bytes=peak,
        peak_inputs=None if peak is None else peak / mine.bytes,
        launches=launches.launches(profiler, device),
    )
