"""Inside a worker: loads an implementation and the one it is held against, and times one row."""

import gc
import os
from collections.abc import Callable
from typing import Any

import msgspec
import torch

from rotcheck.bench import figures, launches, memory, rounds
from rotcheck.bench.contenders import Contender, copying, rotation
from rotcheck.bench.loaded import Loaded
from rotcheck.bench.neighbours import Neighbours
from rotcheck.bench.problem import Size, unfit
from rotcheck.bench.shapes import GIB, Room, sizes_of, too_large
from rotcheck.compare.worker import Unidentified, convention_of
from rotcheck.implementations.interface import Unavailable
from rotcheck.probe.inside.memory import memory_of
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
            _loaded(setup["against"], row.device, setup["known_against"])
            if setup["against"]
            else None
        )
        own = _loaded(setup["implementation"], row.device, setup["known"])
    except Unavailable as error:
        row = _with(row, state="unavailable", message=scrub(str(error)))
        return lambda task: _answer(_with(row, dtype=task[0], pass_=task[1]))
    except Unidentified:
        told = setup["known"]["unidentified"]
        row = _with(row, state="unidentified", message=told["message"], fix=told["advice"])
        return lambda task: _answer(_with(row, dtype=task[0], pass_=task[1]))
    budget = setup["seconds"]
    return lambda task: _answer(
        _timed(_with(row, dtype=task[0], pass_=task[1]), own, against, budget)
    )


def _loaded(name: str, device: str, known: dict[str, Any]) -> Loaded:
    return Loaded(name, device, convention_of(known), known.get("no_gradient"))


def _own_caches(folder: str) -> None:
    """Let compilers find nothing that an earlier process compiled: a first call is a first one."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(folder, "inductor")
    os.environ["TRITON_CACHE_DIR"] = os.path.join(folder, "triton")


def _with(row: Timing, **more: Any) -> Timing:
    return msgspec.structs.replace(row, **more)


def _answer(row: Timing) -> Any:
    return msgspec.to_builtins(row)


def _timed(row: Timing, own: Loaded, against: Loaded | None, budget: float) -> Timing:
    size = _size(row)
    _wake(size.device)
    reason = own.skip(row.device, row.dtype, size.backward) or unfit(own.convention, size)
    reason = reason or _crowded(row, size.device)
    if reason:
        return _with(row, state="skipped", message=reason)
    try:
        raced = _contenders(own, against, size)
        first = [rounds.warm_up(contender) for contender in raced]
    except Unavailable as error:
        return _with(row, state="unavailable", message=scrub(str(error)))
    mine = raced[-1]
    calls = [rounds.calls_of(contender, min(seconds)) for contender, seconds in zip(raced, first)]
    neighbours = Neighbours()
    with neighbours.watched():
        seconds = _raced(raced, calls, budget * len(raced))
    row = _with(
        row, path=own.path() or row.implementation, rounds=len(seconds[-1]), calls=calls[-1]
    )
    row = _with(row, others_percent=neighbours.busy_percent)
    row = _beside_the_copy(row, mine, seconds[0], seconds[-1], 2 if size.backward else 1)
    row = _from_the_start(row, own, first[-1])
    if against:
        row = _beside_the_baseline(row, against, first[1], seconds[1], seconds[-1])
    return _footprint(row, mine, size.device)


def _crowded(row: Timing, device: torch.device) -> str | None:
    """Return why what is free on the device, which others use too, has no room for the shape."""
    told = memory_of(device)
    return (
        too_large(row.shape, row.dtype, Room(told[0] / GIB, f"free on {row.device} are"))
        if told
        else None
    )


def _contenders(own: Loaded, against: Loaded | None, size: Size) -> list[Contender]:
    """Return what is raced, itself the last."""
    mine = rotation(own, size)
    return [copying(mine, size), *([rotation(against, size)] if against else []), mine]


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


def _raced(raced: list[Contender], calls: list[int], budget: float) -> list[list[float]]:
    gc.collect()
    gc.disable()  # it would run in some batches and not in others
    seconds = rounds.interleaved(raced, calls, budget)
    gc.enable()
    return seconds


def _beside_the_copy(
    row: Timing, mine: Contender, copy: list[float], own: list[float], times: int
) -> Timing:
    moved = 2 * times * mine.bytes / GB
    seconds, copied = figures.spread(own), figures.spread(copy)
    return _with(
        row,
        seconds=seconds,
        copy_seconds=copied,
        copy_gb_per_second=moved / copied.median,
        gb_per_second=moved / seconds.median,
        times_copy=figures.ratio(own, copy),
        copy_share=figures.ratio([100 * each for each in copy], own),
        input_bytes=mine.bytes,
    )


def _from_the_start(row: Timing, own: Loaded, first: list[float]) -> Timing:
    assert row.seconds is not None, "it was timed"
    compiled = own.seconds + figures.beyond(first, row.seconds)
    return _with(
        row, load_seconds=own.seconds, first_call_seconds=first[0], compile_seconds=compiled
    )


def _beside_the_baseline(
    row: Timing, against: Loaded, first: list[float], theirs: list[float], own: list[float]
) -> Timing:
    assert row.seconds is not None, "it was timed"
    assert row.compile_seconds is not None, "its first calls were timed"
    speedup, baseline = figures.ratio(theirs, own), figures.spread(theirs)
    owed = row.compile_seconds - against.seconds - figures.beyond(first, baseline)
    return _with(
        row,
        baseline_seconds=baseline,
        speedup=speedup,
        break_even_calls=figures.break_even(owed, row.seconds, speedup),
    )


def _footprint(row: Timing, mine: Contender, device: torch.device) -> Timing:
    seen = launches.profiled(device)
    mine.once(seen)
    held = memory.peak(mine, device, seen)
    return _with(
        row,
        peak_bytes=held,
        peak_inputs=None if held is None else held / mine.bytes,
        launches=launches.launches(seen, device),
    )
