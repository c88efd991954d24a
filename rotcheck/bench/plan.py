"""Which rows a request means, how long they take, and the jobs that run them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rotcheck.bench import qkv_shapes
from rotcheck.bench.qkv_shapes import Capacity
from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import Machine
from rotcheck.study.request import DTYPES as KNOWN_DTYPES
from rotcheck.study.request import check_known, expand_specs, unique

DTYPES = ("float32", "bfloat16")
PASSES = ("forward", "forward+backward")
NATIVE_COMPILED = "native-compiled"
WORKER = "rotcheck.bench.worker"
WORKER_MAY = "a worker may hold"
# for an estimate of the time, measured on two cores: seconds until the process of a row is ready,
# and those that the fewest rounds take for each byte of q, k and v
START = 2.5
FEWEST_ROUNDS = 5.4e-8


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
    """All rows that are compared with each other: on one device, in one dtype, shape and pass."""

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
    """The request. Raises `RequestError` for a name or a shape that cannot be one."""
    implementations = expand_specs(implementations)
    registry.check(against)
    check_known("dtype", dtypes, KNOWN_DTYPES)
    check_known("pass", passes, PASSES)
    for device in devices:
        if device in STAND_INS:
            raise RequestError(f"device {device!r} is a stand-in: its times mean nothing")
    names = implementations or (*registry.names(), NATIVE_COMPILED)
    return BenchRequest(
        unique((against, *names)),
        against,
        unique(devices),
        unique(dtypes) or DTYPES,
        unique([str(qkv_shapes.parse(shape)) for shape in asked_shapes]),
        tuple(name for name in PASSES if not passes or name in passes),
    )


def capacities(here: Sequence[str], machine: Machine, worker_gib: float) -> dict[str, Capacity]:
    """What each device has room for: its memory, or if unknown what a worker may hold."""
    lines = machine.devices()
    memory = {name: lines[name].values.get("memory_gib") for name in here if name in lines}
    worker = Capacity(worker_gib, WORKER_MAY)
    return {
        name: Capacity(gib, f"{name} has") if (gib := memory.get(name)) else worker for name in here
    }


def groups(request: BenchRequest, capacities: Mapping[str, Capacity]) -> list[Group]:
    """The groups in the order to run them.

    Args:
        request: what was asked for.
        capacities: the devices, and what each has room for.

    Raises:
        RequestError: no device has room for a shape that was asked for.
    """
    for shape, dtype in ((shape, dtype) for shape in request.shapes for dtype in request.dtypes):
        reasons = [qkv_shapes.too_large(shape, dtype, capacity) for capacity in capacities.values()]
        if all(reasons):
            limited_by_worker = any(
                capacity.owner == WORKER_MAY for capacity in capacities.values()
            )
            more = ", or raise --memory-limit" if limited_by_worker else ""
            raise RequestError(
                f"{'; '.join(filter(None, dict.fromkeys(reasons)))}; take a smaller shape{more}"
            )
    return [
        Group(device, dtype, shape, pass_)
        for device in capacities
        for shape in request.shapes or qkv_shapes.DEFAULT
        for dtype in request.dtypes
        for pass_ in request.passes
    ]


def estimate(groups: Sequence[Group], rows: int, seconds: float) -> float:
    """About how many seconds a run takes that has so many rows in each group.

    A row starts a process and times three things for `seconds` each, or with large tensors on a CPU
    for as long as the fewest rounds take.
    """
    return sum(rows * (START + max(3 * seconds, _fewest_rounds(group))) for group in groups)


def _fewest_rounds(group: Group) -> float:
    passes = 1 if group.pass_ == "forward" else 2
    shape = qkv_shapes.parse(group.shape)
    return FEWEST_ROUNDS * passes * shape.bytes(group.dtype) if group.device == "cpu" else 0.0
