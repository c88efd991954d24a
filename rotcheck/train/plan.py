"""Which runs a request means: the references, and one for each implementation, device and dtype."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from rotcheck.compare import plan
from rotcheck.errors import RequestError
from rotcheck.identify.front_identity import Identity
from rotcheck.identify.worker_setup import setup_of
from rotcheck.implementations import registry
from rotcheck.isolation import Job
from rotcheck.study.request import unique
from rotcheck.train import sequences
from rotcheck.train.batches import batches

DTYPES = ("float32", "bfloat16", "float16")
WORKER = "rotcheck.train.worker"
TRUTH, YARDSTICK, MODEL_ROTATION = "float64", "yardstick", "own"
MINIATURE = "miniature SEDD"  # what the model is called that comes with rotcheck
MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What was asked for, checked as far as it can be before anything runs."""

    implementations: tuple[str, ...]
    by_name: bool  # whether they were named, and not just all taken
    devices: tuple[str, ...]  # empty: all that run here
    dtypes: tuple[str, ...]
    steps: int
    seed: int
    sequences: tuple[str, ...]
    model: str | None


def request(
    implementations: Sequence[str],
    devices: Sequence[str],
    dtypes: Sequence[str],
    *,
    steps: int,
    seed: int,
    fasta: str | None,
    model: str | None,
) -> TrainRequest:
    """The request. Raises `RequestError` for what cannot be."""
    specs = plan.make_request(implementations, devices, dtypes, ()).implementations
    if "float64" in dtypes:
        raise RequestError(
            "float64 is the reference for the other dtypes: ask for " + ", ".join(DTYPES)
        )
    if "meta" in devices:
        raise RequestError(
            "device 'meta' has tensors without values: there is nothing to train on it"
        )
    if not 1 <= steps <= MOST_STEPS:
        raise RequestError(f"--steps must be between 1 and {MOST_STEPS}, not {steps}")
    if not 0 <= seed < 1 << 63:
        raise RequestError(f"--seed must be between 0 and 2**63 - 1, not {seed}")
    if model is not None:
        _check_model(model)
    proteins = sequences.read(fasta) if fasta is not None else sequences.package_sequences()
    return TrainRequest(
        specs,
        bool(implementations),
        unique(devices),
        unique(dtypes) or DTYPES[:1],
        steps,
        seed,
        tuple(proteins),
        model,
    )


def _check_model(model: str) -> None:
    if ":" not in model:
        raise RequestError(
            f"--model {model!r} names no factory: "
            "write package.module:factory or path/to/file.py:factory"
        )
    try:
        registry.check(model)
    except RequestError as error:
        raise RequestError(f"--model {error}") from error


def jobs(
    request: TrainRequest, devices: Sequence[str], *, keeps_rotation: bool, timeout: float
) -> list[Job]:
    """The jobs, the references first."""
    base = {
        "model": request.model,
        "seed": request.seed,
        "batches": msgspec.to_builtins(batches(request.sequences, request.steps, request.seed)),
    }
    places = [(device, dtype) for device in devices for dtype in request.dtypes]
    rows = [(TRUTH, TRUTH, "cpu", "float64")]
    if keeps_rotation:
        rows += [(request.model or "", MODEL_ROTATION, *place) for place in places]
    else:
        rows += [(YARDSTICK, YARDSTICK, *place) for place in places]
        rows += [
            (name, "implementation", *place) for place in places for name in request.implementations
        ]
    return [_job(base, row, request.steps, timeout) for row in rows]


def jobs_of(jobs: Sequence[Job], spec: str, identities: Mapping[str, Identity]) -> list[Job]:
    """The jobs of a function that was identified, with what a worker is told of it."""
    return [
        replace(job, setup=job.setup | setup_of(identities[spec]))
        for job in jobs
        if job.setup["implementation"] == spec
    ]


def _job(base: dict[str, Any], row: tuple[str, str, str, str], steps: int, timeout: float) -> Job:
    name, rotation, device, dtype = row
    return Job(
        name=rotation,
        target=f"{WORKER}:open_course",
        setup=base
        | {"implementation": name, "rotation": rotation, "device": device, "dtype": dtype},
        tasks=[[dtype, f"step {number}"] for number in range(1, steps + 1)],
        limit=timeout,
        opening_limit=3 * timeout,
    )
