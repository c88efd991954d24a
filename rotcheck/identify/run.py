"""The front's half: one worker for each function, what it found, and what became of it where it found nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from rotcheck import __version__
from rotcheck.errors import RequestError
from rotcheck.identify import together
from rotcheck.identify.swap.run import swaps
from rotcheck.implementations import registry
from rotcheck.isolation import Done, Job, Pool, Raised, Returned
from rotcheck.results import Described, Identification, Remark, Turned

WORKER = "rotcheck.identify.worker:open_identification"
_FLAGS = "rotcheck.identify.worker:open_flags"
PRELOAD = ("torch", "rotcheck.identify.worker")
_REQUEST = f"{RequestError.__module__}.{RequestError.__qualname__}"


@dataclass(frozen=True, slots=True)
class Identified:
    """What is told of one function, and the convention as plain data by which workers call it."""

    told: Identification
    convention: Mapping[str, Any] | None
    called: str | None = None  # that call in words, with shapes
    unbuilt: bool = False  # it is a class of which no object could be made
    flags: tuple[str, ...] = ()  # the other way round, "interleaved=True", as they can be asked about
    registered: Described | None = None  # what it is registered with, of one that is not on this machine


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
        told = [found[name].told for name in asked]
        if like:
            told = _held(pool, asked, found, like, device, timeout)
    return tuple(together.of_files(asked, told))


def _held(
    pool: Pool, asked: Sequence[str], found: Mapping[str, Identified], like: str, device: str, timeout: float
) -> list[Identification]:
    """Return what was found of each, and whether it can take the place of another. Raises `RequestError`."""
    other = found[like]
    if other.unbuilt:
        raise RequestError(f"{shown(like)!r} {other.told.message}")
    own = {name: (found[name].told, found[name].registered) for name in asked}
    held = swaps(pool, own, (like, other.told, other.registered, other.convention), device, timeout)
    return [msgspec.structs.replace(found[name].told, likeness=held[name]) for name in asked]


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

    Raises `RequestError` for one that is not there.
    """
    found: dict[str, Identified] = {}
    for done in pool.run(jobs(specifications, device, timeout)):
        name = done.job.name
        if done.job.target == _FLAGS:
            found[name] = replace(found[name], told=_with_flag(found[name].told, done))
            continue
        found[name] = identified(done)
        if on_found:
            on_found(found[name].told)
        if flags and found[name].flags:
            pool.add([replace(done.job, target=_FLAGS, tasks=found[name].flags)])
    return found


def _with_flag(own: Identification, done: Done) -> Identification:
    """Return what was found of a function, and of one of its flags."""
    if isinstance(done.outcome, Returned):
        turned = msgspec.convert(done.outcome.value["turned"], Turned)
        wrong = msgspec.convert(done.outcome.value["wrong"], tuple[Remark, ...])
    else:
        turned, wrong = Turned(flag=done.task, follows=False, convention=None, message=str(done.outcome)), ()
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


def identified(done: Done) -> Identified:
    """Return what was found, or what became of the function. Raises `RequestError` for one that is not there."""
    outcome = done.outcome
    unbuilt = isinstance(outcome, Returned) and "unbuilt" in outcome.value
    if isinstance(outcome, Raised) and outcome.kind == _REQUEST:
        raise RequestError(outcome.message)
    if isinstance(outcome, Returned) and "told" in outcome.value:
        told = msgspec.convert(outcome.value["told"], Identification)
        value = outcome.value
        return Identified(told, value["convention"], value["called"], flags=tuple(value["flags"]))
    if isinstance(outcome, Returned) and unbuilt:
        words = f"cannot be built: {outcome.value['unbuilt']}"
    elif isinstance(outcome, Returned):
        words = f"not on this machine: {outcome.value['unavailable']}"
    else:
        words = (
            f"{outcome} while it was imported and built" if done.opening else f"{outcome} while it was called"
        )
    return Identified(
        Identification(
            rotcheck=__version__,
            specification=done.job.setup["shown"],
            torch=None,
            device=done.job.setup["device"],
            follows=False,
            convention=None,
            message=words,
        ),
        None,
        unbuilt=unbuilt,
        registered=_registered(outcome),
    )
