"""Which jobs a request for a model means: one for each device and dtype."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rotcheck.errors import RequestError
from rotcheck.isolation import Job
from rotcheck.model.sequences import names as way_names
from rotcheck.study.request import check_known, unique

WORKER = "rotcheck.model.worker"
DTYPES = ("float32", "bfloat16", "float16")
FORWARD = "forward"  # the task of the one pass over the whole sequence


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What was asked for, checked as far as it can be before anything runs."""

    spec: str
    devices: tuple[str, ...]  # empty: all that run here
    dtypes: tuple[str, ...]
    ways: tuple[str, ...]


def request(
    spec: str, devices: Sequence[str], dtypes: Sequence[str], ways: Sequence[str] | None
) -> ModelRequest:
    """The request. `ways`: None: all.

    Raises:
        RequestError: there is no such dtype or way, or a device has no values.
    """
    check_known("way", ways or (), way_names())
    check_known("dtype", dtypes, DTYPES)
    if "meta" in devices:
        raise RequestError("tensors on meta have no values: use another device, such as cpu")
    return ModelRequest(
        spec,
        unique(devices),
        unique(dtypes) or DTYPES[:1],
        way_names() if ways is None else unique(ways),
    )


def jobs(request: ModelRequest, devices: Sequence[str], timeout: float) -> list[Job]:
    """The jobs: the forward pass is their first task, each way another one."""
    return [_job(request, device, dtype, timeout) for device in devices for dtype in request.dtypes]


def _job(request: ModelRequest, device: str, dtype: str, timeout: float) -> Job:
    setup: dict[str, Any] = {"spec": request.spec, "device": device, "dtype": dtype}
    tasks = [[dtype, name] for name in (FORWARD, *request.ways)]
    return Job(request.spec, f"{WORKER}:open_model", setup, tasks, timeout, 3 * timeout)
