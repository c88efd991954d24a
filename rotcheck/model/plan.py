"""Which jobs a request for a model means: one for each device and dtype."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rotcheck.errors import RequestError
from rotcheck.isolation import Job
from rotcheck.model.sequences import names as way_names
from rotcheck.model.sequences import usual
from rotcheck.study.request import check_known, unique

WORKER = "rotcheck.model.worker"
DTYPES = ("float32", "bfloat16", "float16")
AS_MADE = "as made"  # by a factory, in place of a dtype
LIBRARIES = ("transformers", "diffusers", "timm")  # by whose names a SPEC may begin
SAMPLE = "sample"  # the text that comes with rotcheck
WEIGHTS = "weights"  # the task of judging them
WEIGHTS_TIMES = 10  # of the time limit: the text is read once for each change of the rotation
SPEC, OTHER = "spec", "other"  # the two models that are held against one another
FORWARD = "forward"  # the task of the one pass over the whole sequence


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What was asked for, checked as far as it can be before anything runs."""

    spec: str
    devices: tuple[str, ...]  # empty: all that run here
    dtypes: tuple[str, ...]
    ways: tuple[str, ...]
    text: str | None = None  # judge the weights by this file, or by `SAMPLE`
    against: str | None = None  # the model to hold it against


def request(
    spec: str,
    devices: Sequence[str],
    dtypes: Sequence[str],
    ways: Sequence[str] | None,
    text: str | None = None,
    against: str | None = None,
) -> ModelRequest:
    """The request. `ways`: None: the usual ones; none where two models are held against one
    another.

    Raises:
        RequestError: there is no such dtype or way, a device has no values, or a text is asked of
            a model without weights.
    """
    if text is not None and (_is_of_library(spec) or spec.endswith((".json", ".gguf"))):
        raise RequestError(
            f"--text asks trained weights, and {spec!r} has none: name the folder that holds them, "
            "or a factory that loads them"
        )
    check_known("way", ways or (), way_names())
    check_known("dtype", dtypes, DTYPES)
    if "meta" in devices:
        raise RequestError("tensors on meta have no values: use another device, such as cpu")
    return ModelRequest(
        spec,
        unique(devices),
        unique(dtypes) or (AS_MADE if _is_factory(spec) else DTYPES[0],),
        () if only_declares(spec) else _usual_ways(against) if ways is None else unique(ways),
        text,
        against,
    )


def _usual_ways(against: str | None) -> tuple[str, ...]:
    return usual() if against is None else ()


def _is_factory(spec: str) -> bool:
    """Whether a function of the user's makes the model, and so chose its dtype."""
    return ":" in spec and not _is_of_library(spec)


def _is_of_library(spec: str) -> bool:
    """Whether a library makes the model from a name, with random weights."""
    return spec.partition(":")[0] in LIBRARIES


def only_declares(spec: str) -> bool:
    """Whether a file declares a model and cannot be run here: a GGUF file, a Meta params.json."""
    return spec.endswith((".gguf", "params.json"))


def jobs(request: ModelRequest, devices: Sequence[str], timeout: float) -> list[Job]:
    """The jobs: the forward pass is the first task of a job, each way another one. The weights have
    a job of their own."""
    places = [(device, dtype) for device in devices for dtype in request.dtypes]
    passes = [_job(request.spec, request.ways, *place, timeout) for place in places]
    if request.against is not None:
        passes += [_job(request.against, (), *place, timeout, OTHER) for place in places]
    if request.text is None:
        return passes
    return [*passes, *(_weights_job(request, *place, timeout) for place in places)]


def _job(
    spec: str, ways: Sequence[str], device: str, dtype: str, timeout: float, side: str = SPEC
) -> Job:
    setup: dict[str, Any] = {"spec": spec, "device": device, "dtype": dtype, "side": side}
    tasks = [[dtype, name] for name in (FORWARD, *ways)]
    return Job(spec, f"{WORKER}:open_model", setup, tasks, timeout, 3 * timeout)


def _weights_job(request: ModelRequest, device: str, dtype: str, timeout: float) -> Job:
    text = None if request.text == SAMPLE else request.text
    setup = {"spec": request.spec, "device": device, "dtype": dtype, "text": text}
    limit = WEIGHTS_TIMES * timeout
    return Job(request.spec, f"{WORKER}:open_weights", setup, [[dtype, WEIGHTS]], limit, limit)
