"""Runs the training: references and implementations in workers, then the matrix for what went wrong."""

from collections.abc import Callable, Sequence

from rotcheck import __version__
from rotcheck.compare import run as comparing
from rotcheck.errors import RequestError
from rotcheck.identify.identifier import Identifier, unregistered
from rotcheck.identify.identity import fit_files
from rotcheck.isolation import Returned
from rotcheck.results import Course, Machine, Training, summarise
from rotcheck.study.devices import first_computing, resolve_devices
from rotcheck.study.study import Study, ignore
from rotcheck.train import plan
from rotcheck.train.course_verdicts import Courses
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
    """Train a model so many steps with each implementation on each device in each dtype.

    Empty means the default: all registered implementations, all devices that run here, float32. `fasta`: a
    file of protein sequences in place of those that come with rotcheck. `model`: `package.module:factory`
    or `path/to/file.py:factory`; `factory(rotary)` returns a torch.nn.Module whose call `module(tokens)`, tokens
    (B, S) of int64, returns the scalar loss, and which turns qkv (B, S, 3, H, D) by `rotary(qkv)`. A
    factory without an argument keeps the rotation it has, and is trained as it is. `timeout`: seconds for
    one step. `on_plan` is called once with the number of steps of all runs, `on_step` with a word on each.

    Raises `RequestError` when the request cannot be carried out. An interruption (KeyboardInterrupt) ends
    the run, and what was finished is returned with `interrupted` set.
    """
    wanted = plan.request(
        implementations, devices, dtypes, steps=steps, seed=seed, fasta=fasta, model=model
    )
    with Study(PRELOAD, on_plan=on_plan) as study:
        machine = study.survey(comparing.SURVEY_GROUPS)
        here = resolve_devices(wanted.devices, machine)
        own = _own(study, wanted, timeout)
        jobs = plan.jobs(wanted, here, own=own, timeout=timeout)
        given = [] if own else unregistered(wanted.implementations)
        identifier = Identifier(given, first_computing(here), timeout)
        courses = Courses(jobs, identifier.identities)
        found: list[Course] = []
        with study.interruptible():
            study.plan(sum(len(job.tasks) for job in jobs))
            answers = identifier.run(
                study,
                plan.of(jobs, given, others=True),
                lambda spec: plan.with_conventions(plan.of(jobs, [spec]), identifier.identities),
            )
            for done in answers:
                courses.take(done)
                (on_step or ignore)(courses.word(done))
            found = courses.found()
            if not own:
                found = with_failing_cells(
                    found, courses.names, identifier.identities, study, machine, timeout
                )
        found = found or courses.found()
    return _training(wanted, machine, courses, found, study.interrupted)


def _own(study: Study, wanted: plan.TrainRequest, timeout: float) -> bool:
    """Ask whether the user's model keeps its own rotation.

    Raises `RequestError` when it cannot be loaded, and when it does and implementations were named for it.
    """
    own = False
    for done in study.run(plan.own_rotation(wanted.model, timeout)):
        if not isinstance(done.outcome, Returned):
            raise RequestError(f"--model {wanted.model!r} cannot be loaded: {done.outcome}")
        own = bool(done.outcome.value)
    if own and wanted.named:
        keeps = "takes no argument and keeps its own rotation: no implementation can be put into it"
        raise RequestError(f"--model {wanted.model!r} {keeps}")
    return own


def _training(
    wanted: plan.TrainRequest,
    machine: Machine,
    courses: Courses,
    found: list[Course],
    interrupted: bool,
) -> Training:
    references = courses.references()
    if wanted.model and not interrupted and len(references[0].losses) < wanted.steps:
        why = f"fails with the reference rotation, in float64 on the CPU: {references[0].message}"
        raise RequestError(f"--model {wanted.model!r} {why}")
    return Training(
        rotcheck=__version__,
        machine=machine,
        model=courses.model_name or plan.MINIATURE,
        sequences=len(wanted.sequences),
        planned=wanted.steps,
        seed=wanted.seed,
        references=references,
        courses=tuple(found),
        summary=summarise(found),
        conventions=tuple(one.identification for one in fit_files(courses.identified).values()),
        interrupted=interrupted,
    )
