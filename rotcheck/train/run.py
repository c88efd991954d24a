"""Trains references and implementations in workers, then asks `compare` what went wrong."""

from collections.abc import Callable, Sequence

from rotcheck import __version__
from rotcheck.compare import run as comparing
from rotcheck.errors import RequestError
from rotcheck.identify.identification_jobs import Identifier, unregistered
from rotcheck.identify.swapping.file_fit import fit_files
from rotcheck.isolation import Job, Returned
from rotcheck.results import Course, Machine, Training, summarise
from rotcheck.study.devices import first_computing, resolve_devices
from rotcheck.study.study import Study, ignore
from rotcheck.train import plan
from rotcheck.train.course_verdicts import TrainingRuns
from rotcheck.train.failing_cells import with_failing_cells

PRELOAD = (*comparing.PRELOAD, plan.WORKER)


def train(
    implementations: Sequence[str] = (),
    *,
    devices: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    steps: int = 5,
    seed: int = 0,
    fasta: str | None = None,
    model: str | None = None,
    timeout: float = 60.0,
    on_plan: Callable[[int], None] | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Training:
    """Train a model a few steps with each implementation on each device in each dtype.

    Args:
        implementations: as in `rotcheck.compare`; none: all registered ones.
        devices: none: all that run here.
        dtypes: none: float32.
        steps: of each run.
        seed: of the weights and the data.
        fasta: a file of protein sequences to use instead of those that come with rotcheck.
        model: `package.module:factory` or `path/to/file.py:factory`. `factory(rotary)` returns a
            torch.nn.Module whose call `module(tokens)`, tokens (B, S) of int64, returns the scalar
            loss, and which turns qkv (B, S, 3, H, D) by `rotary(qkv)`. A factory without an
            argument keeps its rotation, and its model is trained as it is.
        timeout: seconds for one step.
        on_plan: called once with the number of steps of all runs.
        on_step: called with the name of each step as it is done.

    Returns:
        All courses; what was finished, with `interrupted` set, if a KeyboardInterrupt ended the
        run.

    Raises:
        RequestError: the request cannot be carried out.
        KeyboardInterrupt: before the machine was known.
    """
    request = plan.request(
        implementations, devices, dtypes, steps=steps, seed=seed, fasta=fasta, model=model
    )
    with Study(PRELOAD, on_plan=on_plan) as study:
        machine = study.survey(comparing.SURVEY_GROUPS)
        here = resolve_devices(request.devices, machine)
        keeps_rotation = _keeps_rotation(study, request, timeout)
        jobs = plan.jobs(request, here, keeps_rotation=keeps_rotation, timeout=timeout)
        specs = [] if keeps_rotation else unregistered(request.implementations)
        identifier = Identifier(specs, first_computing(here), timeout)
        runs = TrainingRuns(jobs, identifier.identities)
        courses: list[Course] = []
        with study.interruptible():
            study.plan(sum(len(job.tasks) for job in jobs))
            answers = identifier.run(
                study,
                [job for job in jobs if job.setup["implementation"] not in specs],
                lambda spec: plan.jobs_of(jobs, spec, identifier.identities),
            )
            for answer in answers:
                (on_step or ignore)(runs.take(answer))
            courses = runs.courses()
            if not keeps_rotation:
                courses = with_failing_cells(
                    courses, runs.labels, identifier.identities, study, machine, timeout
                )
        # an interruption leaves those that ran to completion
        return _training(request, machine, runs, courses or runs.courses(), study)


def _keeps_rotation(study: Study, request: plan.TrainRequest, timeout: float) -> bool:
    """Ask whether the user's model keeps its own rotation.

    Raises `RequestError` when it cannot be loaded, or when it does and implementations were named
    for it.
    """
    if request.model is None:
        return False
    job = Job("model", f"{plan.WORKER}:open_model", request.model, [None], timeout, 3 * timeout)
    (answer,) = study.run([job])
    if not isinstance(answer.outcome, Returned):
        raise RequestError(f"--model {request.model!r} cannot be loaded: {answer.outcome}")
    keeps = bool(answer.outcome.value)
    if keeps and request.by_name:
        raise RequestError(
            f"--model {request.model!r} takes no argument and keeps its own rotation: "
            "no implementation can be plugged into it"
        )
    return keeps


def _training(
    request: plan.TrainRequest,
    machine: Machine,
    runs: TrainingRuns,
    courses: list[Course],
    study: Study,
) -> Training:
    references = runs.references()
    if request.model and not study.is_interrupted and len(references[0].losses) < request.steps:
        why = f"fails with the reference rotation, in float64 on the CPU: {references[0].message}"
        raise RequestError(f"--model {request.model!r} {why}")
    identities = fit_files(runs.identities).values()
    return Training(
        rotcheck=__version__,
        machine=machine,
        model=runs.model_name or plan.MINIATURE,
        sequences=len(request.sequences),
        planned=request.steps,
        seed=request.seed,
        references=references,
        courses=tuple(courses),
        summary=summarise(courses),
        conventions=tuple(identity.identification for identity in identities),
        interrupted=study.is_interrupted,
    )
