"""Which runs a request means: the references, and one for each implementation, device and dtype."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from rotcheck.compare import plan
from rotcheck.errors import RequestError
from rotcheck.identify.identity import Identity
from rotcheck.identify.worker_setup import setup_of
from rotcheck.implementations import registry
from rotcheck.isolation import Job
from rotcheck.results import Machine
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
    named: bool  # whether they were asked for by name
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
    """Return the request; raises `RequestError` for what cannot be."""
    all_ = plan.make_request(implementations, devices, dtypes, ()).implementations
    if "float64" in dtypes:
        raise RequestError(
            "float64 is what the other dtypes are held against: ask for " + ", ".join(DTYPES)
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
    read = sequences.read(fasta) if fasta is not None else sequences.package_sequences()
    chosen = unique(dtypes) or DTYPES[:1]
    return TrainRequest(
        all_, bool(implementations), unique(devices), chosen, steps, seed, tuple(read), model
    )


def _check_model(model: str) -> None:
    if ":" not in model:
        raise RequestError(
            f"--model {model!r} names no factory: write package.module:factory or path/to/file.py:factory"
        )
    try:
        registry.check(model)
    except RequestError as error:
        raise RequestError(f"--model {error}") from error


def jobs(wanted: TrainRequest, devices: Sequence[str], *, own: bool, timeout: float) -> list[Job]:
    """Return the jobs, the references first; `own`: the model keeps its rotation, so there is one run a place."""
    base = {
        "model": wanted.model,
        "seed": wanted.seed,
        "batches": msgspec.to_builtins(batches(wanted.sequences, wanted.steps, wanted.seed)),
    }
    places = [(device, dtype) for device in devices for dtype in wanted.dtypes]
    rows = [(TRUTH, TRUTH, "cpu", "float64")]
    if own:
        rows += [(wanted.model or "", MODEL_ROTATION, *place) for place in places]
    else:
        rows += [(YARDSTICK, YARDSTICK, *place) for place in places]
        rows += [
            (name, "implementation", *place) for place in places for name in wanted.implementations
        ]
    return [_job(base, row, wanted.steps, timeout) for row in rows]


def of(jobs: Sequence[Job], names: Sequence[str], *, others: bool = False) -> list[Job]:
    """Return the jobs of these implementations, or all others."""
    return [job for job in jobs if (job.setup["implementation"] in names) is not others]


def with_conventions(jobs: Sequence[Job], identified: Mapping[str, Identity]) -> list[Job]:
    """Return the jobs with what a worker is told of each function."""
    return [
        replace(job, setup=job.setup | setup_of(identified[job.setup["implementation"]]))
        for job in jobs
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


def matrix_jobs(
    names: Sequence[str],
    device: str,
    dtype: str,
    machine: Machine,
    timeout: float,
    identified: Mapping[str, Identity],
) -> list[Job]:
    """Return the jobs of `rotcheck compare` for these implementations on one device in one dtype."""
    asked = plan.make_request(names, [device], [dtype], ())
    return plan.jobs(asked, [device], machine, timeout=timeout, identities=identified)


def own_rotation(model: str | None, timeout: float) -> list[Job]:
    """Return the job that tells whether the model keeps a rotation of its own; none for rotcheck's model."""
    if model is None:
        return []
    return [
        Job(
            "asked", f"{WORKER}:open_model", model, [None], limit=timeout, opening_limit=3 * timeout
        )
    ]
