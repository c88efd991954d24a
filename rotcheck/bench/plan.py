"""Which rows a request means, and the jobs that run them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rotcheck.bench import qkv_shapes
from rotcheck.bench.qkv_shapes import Capacity
from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.isolation import Job
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import Machine
from rotcheck.study.devices import resolve_devices
from rotcheck.study.request import DTYPES as KNOWN_DTYPES
from rotcheck.study.request import check_known, expand_specs, unique

DTYPES = ("float32", "bfloat16")
PASSES = ("forward", "forward+backward")
NATIVE_COMPILED = "native-compiled"
WORKER = "rotcheck.bench.worker"
WORKER_MAY = "a worker may hold"


@dataclass(frozen=True, slots=True)
class BenchRequest:
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
) -> BenchRequest:
    """Return the request; raises `RequestError` for a name or a shape that cannot be one."""
    implementations = expand_specs(implementations)
    registry.check(against)
    check_known("dtype", dtypes, KNOWN_DTYPES)
    check_known("pass", passes, PASSES)
    for device in devices:
        if device in STAND_INS:
            raise RequestError(
                f"device {device!r} is a stand-in: how long something takes there means nothing"
            )
    names = implementations or (*registry.names(), NATIVE_COMPILED)
    return BenchRequest(
        unique((against, *names)),
        against,
        unique(devices),
        unique(dtypes) or DTYPES,
        unique([qkv_shapes.check(shape) for shape in asked_shapes]),
        tuple(name for name in PASSES if not passes or name in passes),
    )


def devices(request: BenchRequest, machine: Machine) -> list[str]:
    """Return the devices to run on; raises `RequestError` for one that is not here, saying what is."""
    return resolve_devices(request.devices, machine)


def capacities(here: Sequence[str], machine: Machine, worker_gib: float) -> dict[str, Capacity]:
    """Return what each device has room for: its own memory, or where that is not known what a worker may hold."""
    lines = machine.devices()
    memory = {name: lines[name].values.get("memory_gib") for name in here if name in lines}
    worker = Capacity(worker_gib, WORKER_MAY)
    return {
        name: Capacity(own, f"{name} has") if (own := memory.get(name)) else worker for name in here
    }


def groups(request: BenchRequest, rooms: Mapping[str, Capacity]) -> list[Group]:
    """Return the groups in the order to run them, by the devices and what each has room for.

    Raises `RequestError` when no device has room for a shape that was asked for.
    """
    for shape, dtype in ((shape, dtype) for shape in request.shapes for dtype in request.dtypes):
        reasons = [qkv_shapes.too_large(shape, dtype, room) for room in rooms.values()]
        if all(reasons):
            limited_by_worker = any(room.owner == WORKER_MAY for room in rooms.values())
            more = ", or raise --memory-limit" if limited_by_worker else ""
            raise RequestError(
                f"{'; '.join(filter(None, dict.fromkeys(reasons)))}; take a smaller shape{more}"
            )
    return [
        Group(device, dtype, shape, pass_)
        for device in rooms
        for shape in request.shapes or qkv_shapes.DEFAULT
        for dtype in request.dtypes
        for pass_ in request.passes
    ]


def job(
    request: BenchRequest,
    group: Group,
    name: str,
    label: str,
    *,
    against: bool,
    memory: Mapping[str, Any],
    known_against: Mapping[str, Any],
    seconds: float,
    timeout: float,
    caches: str,
) -> Job:
    """Return the job of one row: a worker process of its own, its one task [dtype, pass].

    `memory`: what a worker is told of a function that was identified, `known_against` of the baseline.
    """
    return Job(
        name=name,
        target=f"{WORKER}:open_row",
        setup={
            "implementation": name,
            "shown": label,
            "known": memory,
            "against": request.against if against else None,
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
