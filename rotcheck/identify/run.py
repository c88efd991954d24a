"""The front's half: one worker for each function, what it found, and what became of it where it found nothing."""

import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from rotcheck import __version__
from rotcheck.errors import REQUEST, RequestError
from rotcheck.identify.swapping import file_fit
from rotcheck.identify.swapping.swap import swaps
from rotcheck.identify.telling import next_step
from rotcheck.implementations import registry
from rotcheck.isolation import Died, Done, Job, Pool, Raised, Returned
from rotcheck.probe import need
from rotcheck.results import INTERPRETER, Described, Identification, Likeness, Remark, Turned

WORKER = "rotcheck.identify.worker:open_identification"
FLAGS = "rotcheck.identify.worker:open_flags"
PRELOAD = ("torch", "rotcheck.identify.worker")
_MEMORY = ("SIGSEGV", "SIGABRT", "SIGBUS")
_HEAP = re.compile(
    r"(munmap_chunk|malloc|free|realloc|corrupted|double free)\b.*"
)  # what the allocator says of it


@dataclass(frozen=True, slots=True)
class Identified:
    """What is told of one function, and the convention as plain data by which workers call it."""

    told: Identification
    convention: Mapping[str, Any] | None
    called: str | None = None  # that call in words, with shapes
    unbuilt: bool = False  # it is a class of which no object could be made
    missing: bool = False  # a package that its module imports is not installed
    # it was loaded and tried; False: it died, hung, raised or is not on this machine
    came_back: bool = True
    # the other way round, "interleaved=True", as they can be asked about
    flags: tuple[str, ...] = ()
    # what it is registered with, of one that is not on this machine
    registered: Described | None = None


def identify(
    specification: str, *, like: str | None = None, device: str = "cpu", timeout: float = 60.0
) -> Identification:
    """Find out by experiment what a rotary function does: how to call it, its convention, its mistakes.

    `specification`: `package.module:function`, `path/to/file.py:function`, a class or a module that rotates or makes
    tables, or a registered name. `like`: another one, which it is held against: can it take its place? `device`:
    where it is called. `timeout`: seconds. Raises `RequestError` when there is no such function, or for a `file.py`
    that has several: `identify_all` takes that.
    """
    asked = registry.expanded(specification)
    if len(asked) > 1:
        several = ", ".join(name.rpartition(":")[2] for name in asked)
        raise RequestError(f"{specification!r} has several rotary functions: name one of {several}")
    return identify_all(asked, like=like, device=device, timeout=timeout)[0]


def identify_all(
    specifications: Sequence[str],
    *,
    like: str | None = None,
    device: str = "cpu",
    timeout: float = 60.0,
    on_plan: Callable[[int], None] | None = None,
    on_found: Callable[[Identification], None] | None = None,
) -> tuple[Identification, ...]:
    """Identify several functions, each in a process of its own, and return what was found of each.

    As `identify`; a `file.py` stands for all rotary functions in it, and those of one file are held against each
    other at the end. `on_plan` is called once with their number, `on_found` with what was found of each by itself as
    it is done. Raises `KeyboardInterrupt` as well.
    """
    asked = [name for specification in specifications for name in registry.expanded(specification)]
    every = [*asked, *([like] if like else [])]
    for name in every:
        registry.check(name)
    if on_plan:
        on_plan(len(asked))
    with Pool(preload=PRELOAD) as pool:
        found = of_all(pool, every, device, timeout, on_found, flags=True)
        told = apart(asked, [found[name].told for name in asked])
        if like:
            held = _held(pool, asked, found, like, device, timeout)
            told = [
                msgspec.structs.replace(one, likeness=held[name]) for name, one in zip(asked, told)
            ]
    fitted = file_fit.of_files(asked, told)
    return tuple(next_step.next_step(one, name) for one, name in zip(fitted, asked, strict=True))


def _held(
    pool: Pool,
    asked: Sequence[str],
    found: Mapping[str, Identified],
    like: str,
    device: str,
    timeout: float,
) -> dict[str, Likeness]:
    """Return of each whether it can take the place of another. Raises `RequestError`."""
    other = found[like]
    if other.unbuilt:
        raise RequestError(f"{shown(like)!r} {other.told.message}")
    own = {name: (found[name].told, found[name].registered) for name in asked}
    if INTERPRETER in [one.told.device for one in found.values()]:
        device = INTERPRETER
    return swaps(pool, own, (like, other.told, other.registered, other.convention), device, timeout)


def of_all(
    pool: Pool,
    specifications: Sequence[str],
    device: str,
    timeout: float,
    on_found: Callable[[Identification], None] | None = None,
    *,
    flags: bool = False,
) -> dict[str, Identified]:
    """Identify each of these in a worker of its own, and with `flags` what each of its flags changes, in another.

    A Triton kernel on the CPU, where Triton finds no GPU, is asked under the Triton interpreter. Raises `RequestError`
    for one that is not there.
    """
    found: dict[str, Identified] = {}
    for done in need.run(pool, jobs(specifications, device, timeout)):
        name = done.job.name
        if done.job.target == FLAGS:
            found[name] = replace(found[name], told=with_flag(found[name].told, done))
            continue
        found[name] = identified(done)
        if found[name].told.message == next_step.LAUNCHES and _interpreted(done):
            pool.add(jobs([name], INTERPRETER, timeout))
            continue
        if on_found:
            on_found(found[name].told)
        if flags:
            pool.add(flag_jobs(done, found[name]))
    return found


def _interpreted(done: Done) -> bool:
    """Return whether the Triton interpreter, which computes with numpy, can take over from the CPU."""
    return done.job.setup["device"] == "cpu" and importlib.util.find_spec("numpy") is not None


def flag_jobs(done: Done, found: Identified) -> list[Job]:
    """Return the job that asks what each flag of a function changes, if it has some; `done`: its identification."""
    return [replace(done.job, target=FLAGS, tasks=found.flags)] if found.flags else []


def with_flag(own: Identification, done: Done) -> Identification:
    """Return what was found of a function, and of one of its flags."""
    if isinstance(done.outcome, Returned):
        turned = msgspec.convert(done.outcome.value["turned"], Turned)
        wrong = msgspec.convert(done.outcome.value["wrong"], tuple[Remark, ...])
    else:
        turned, wrong = (
            Turned(flag=done.task, follows=False, convention=None, message=str(done.outcome)),
            (),
        )
    return msgspec.structs.replace(
        own,
        flags=(*own.flags, turned),
        findings=(*own.findings, *wrong),
        follows=own.follows and not wrong,
    )


def _registered(outcome: Any) -> Described | None:
    """Return the convention that a function which is not on this machine is registered with."""
    known = outcome.value.get("registered") if isinstance(outcome, Returned) else None
    return msgspec.convert(known, Described) if known else None


def jobs(specifications: Sequence[str], device: str, timeout: float) -> list[Job]:
    """Return the job that identifies each of these; `identified` reads what comes back."""
    return [
        Job(
            name,
            WORKER,
            {"specification": name, "shown": shown(name), "device": device},
            [None],
            timeout,
            3 * timeout,
            fresh_after_raising=True,
        )
        for name in dict.fromkeys(specifications)
    ]


def shown(specification: str) -> str:
    """Return a specification without the folders of a path."""
    return specification.rpartition("/")[2]


def apart(asked: Sequence[str], told: Sequence[Identification]) -> list[Identification]:
    """Return identifications of which no two of different files have one name: as much of a path as that takes."""
    names = list(map(shown, asked))
    for at, name in enumerate(asked):
        others = [
            other for other in dict.fromkeys(asked) if other != name and shown(other) == shown(name)
        ]
        parts = name.split("/")
        for count in range(2, len(parts) + 1) if others else ():
            names[at] = "/".join(parts[-count:])
            if all("/".join(other.split("/")[-count:]) != names[at] for other in others):
                break
    return [
        msgspec.structs.replace(one, specification=name)
        for one, name in zip(told, names, strict=True)
    ]


def _out_of_bounds(done: Done) -> str:
    """Return where to look, of a process that wrote or read where it must not, as a kernel without a mask does."""
    outcome = done.outcome
    if done.opening or not isinstance(outcome, Died) or outcome.signal_name not in _MEMORY:
        return ""
    said = _HEAP.search(outcome.output)
    if not said and done.job.setup["device"] == "cpu":
        return ""
    heap = f" ({said.group()})" if said else ""
    return f"{heap}: it writes or reads out of bounds; look at the masks of its loads and stores"


def identified(done: Done) -> Identified:
    """Return what was found, or what became of the function. Raises `RequestError` for one that is not there."""
    outcome = done.outcome
    unbuilt = isinstance(outcome, Returned) and "unbuilt" in outcome.value
    if isinstance(outcome, Raised) and outcome.kind == REQUEST:
        raise RequestError(outcome.message)
    if isinstance(outcome, Returned) and "told" in outcome.value:
        value = outcome.value
        told = msgspec.convert(value["told"], Identification)
        return Identified(told, value["convention"], value["called"], flags=tuple(value["flags"]))
    if isinstance(outcome, Returned) and unbuilt:
        words = f"cannot be built: {outcome.value['unbuilt']}"
    elif isinstance(outcome, Returned):
        words = f"not on this machine: {outcome.value['unavailable']}"
    else:
        words = (
            f"{outcome} while it was imported and built"
            if done.opening
            else f"{outcome} while it was called"
        )
        words += _out_of_bounds(done)
    return Identified(
        Identification(
            rotcheck=__version__,
            specification=done.job.setup["shown"],
            torch=None,
            device=done.job.setup["device"],
            follows=False,
            convention=None,
            message=words,
            advice=next_step.of_outcome(done, unbuilt=unbuilt),
        ),
        None,
        unbuilt=unbuilt,
        missing=next_step.lacks_a_package(done),
        came_back=False,
        registered=_registered(outcome),
    )
