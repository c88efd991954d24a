"""Which rows a request means, and the jobs that run them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rotcheck.bench import shapes
from rotcheck.bench.shapes import Room
from rotcheck.compare import plan as comparison
from rotcheck.compare.judgement import STAND_INS
from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.isolation import Job
from rotcheck.results import Machine

DTYPES = ("float32", "bfloat16")
PASSES = ("forward", "forward+backward")
COMPILED = "native-compiled"
WORKER = "rotcheck.bench.worker"
WORKER_MAY = "a worker may hold"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for, checked as far as it can be before anything runs."""

    implementations: tuple[str, ...]  # the baseline first
    against: str
    devices: tuple[str, ...]  # empty: all that run here and are no stand-ins
    dtypes: tuple[str, ...]
    shapes: tuple[str, ...]  # empty: the default ones, as far as this machine can hold them
    passes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What is compared with each other: all implementations on one device, in one dtype, shape and pass."""

    device: str
    dtype: str
    shape: str
    pass_: str


def request(
    implementations: Sequence[str],
    devices: Sequence[str],
    dtypes: Sequence[str],
    asked_shapes: Sequence[str],
    passes: Sequence[str],
    against: str,
) -> Request:
    """Return the request; raises `RequestError` for a name or a shape that cannot be one."""
    implementations = comparison.expanded(implementations)
    registry.check(against)
    comparison.check_known("dtype", dtypes, comparison.DTYPES)
    comparison.check_known("pass", passes, PASSES)
    for device in devices:
        if device in STAND_INS:
            raise RequestError(
                f"device {device!r} is a stand-in: how long something takes there means nothing"
            )
    named = implementations or (*registry.names(), COMPILED)
    return Request(
        comparison.once((against, *named)),
        against,
        comparison.once(devices),
        comparison.once(dtypes) or DTYPES,
        comparison.once([shapes.check(shape) for shape in asked_shapes]),
        tuple(name for name in PASSES if not passes or name in passes),
    )


def devices(wanted: Request, machine: Machine) -> list[str]:
    """Return the devices to run on; raises `RequestError` for one that is not here, saying what is."""
    return comparison.devices(wanted.devices, machine)


def rooms(here: Sequence[str], machine: Machine, worker_gib: float) -> dict[str, Room]:
    """Return what each device has room for: its own memory, or where that is not known what a worker may hold."""
    lines = machine.devices()
    known = {name: lines[name].values.get("memory_gib") for name in here if name in lines}
    worker = Room(worker_gib, WORKER_MAY)
    return {name: Room(own, f"{name} has") if (own := known.get(name)) else worker for name in here}


def groups(wanted: Request, rooms: Mapping[str, Room]) -> list[Group]:
    """Return the groups in the order to run them, by the devices and what each has room for.

    Raises `RequestError` when no device has room for a shape that was asked for.
    """
    for shape, dtype in ((shape, dtype) for shape in wanted.shapes for dtype in wanted.dtypes):
        reasons = [shapes.too_large(shape, dtype, room) for room in rooms.values()]
        if all(reasons):
            held = any(room.whose == WORKER_MAY for room in rooms.values())
            more = ", or raise --memory-limit" if held else ""
            raise RequestError(
                f"{'; '.join(filter(None, dict.fromkeys(reasons)))}; take a smaller shape{more}"
            )
    return [
        Group(device, dtype, shape, pass_)
        for device in rooms
        for shape in wanted.shapes or shapes.DEFAULT
        for dtype in wanted.dtypes
        for pass_ in wanted.passes
    ]


def job(
    wanted: Request,
    group: Group,
    name: str,
    shown: str,
    *,
    against: bool,
    known: Mapping[str, Any],
    known_against: Mapping[str, Any],
    seconds: float,
    timeout: float,
    caches: str,
) -> Job:
    """Return the job of one row: a worker process of its own, its one task [dtype, pass].

    `known`: what a worker is told of a function that was identified, `known_against` of the baseline.
    """
    return Job(
        name=name,
        target=f"{WORKER}:open_row",
        setup={
            "implementation": name,
            "shown": shown,
            "known": known,
            "against": wanted.against if against else None,
            "known_against": known_against,
            "device": group.device,
            "shape": group.shape,
            "seconds": seconds,
            "caches": caches,
        },
        tasks=[[group.dtype, group.pass_]],
        limit=timeout,
        opening_limit=timeout,
    )
