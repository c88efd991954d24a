"""Gathers the answers of the workers, and makes of each run its course with its verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

from rotcheck import diagnose
from rotcheck.compare.cells import cell_of
from rotcheck.identify.identity import Identity
from rotcheck.isolation import Done, Job, Returned
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import Course, Reference, Step, knowledge_of
from rotcheck.study.request import display_names
from rotcheck.train import messages, rounding_limits
from rotcheck.train.plan import MODEL_ROTATION, TRUTH, YARDSTICK

STOPPED = ("unavailable", "skipped", "wrong", "unidentified")

Key = tuple[str, str, str]  # implementation as it was asked for, device, dtype


class Courses:
    """What has come back so far."""

    def __init__(self, jobs: Sequence[Job], identified: Mapping[str, Identity] = {}) -> None:
        self._jobs, self.identified = jobs, identified
        asked = [job.setup["implementation"] for job in jobs if job.name not in (TRUTH, YARDSTICK)]
        self.names = display_names(dict.fromkeys(asked))
        model = jobs[0].setup["model"]
        self.model_name = display_names([model])[model] if model else ""
        self._done: dict[Key, list[Done]] = {_key(job): [] for job in jobs}

    def take(self, done: Done) -> None:
        """Keep one answer."""
        self._done[_key(done.job)].append(done)

    def word(self, done: Done) -> str:
        """Return what was just done, for who watches."""
        name, device, dtype = _key(done.job)
        return f"{self.names.get(name, name)} {device} {dtype} {done.task[1]}"

    def _called(self, name: str) -> str | None:
        found = self.identified.get(name)
        return messages.convention_note(found) if found and found.convention else None

    def references(self) -> tuple[Reference, ...]:
        """Return the float64 run, and the yardstick of each device and dtype."""
        return tuple(self._reference(job) for job in self._jobs if job.name in (TRUTH, YARDSTICK))

    def found(self) -> list[Course]:
        """Return a course for each run under test that was not cut off in its midst."""
        tested = [job for job in self._jobs if job.name not in (TRUTH, YARDSTICK)]
        return [self._course(job) for job in tested if len(self._done[_key(job)]) == len(job.tasks)]

    def _reference(self, job: Job) -> Reference:
        done = self._done[_key(job)]
        failed = [each for each in done if not isinstance(each.outcome, Returned)]
        return Reference(
            name="float64" if job.name == TRUTH else "rounded once",
            device=job.setup["device"],
            dtype=job.setup["dtype"],
            losses=tuple(value["loss"] for value in _taken(done)),
            message=_failure(failed[0]) if failed else None,
        )

    def _course(self, job: Job) -> Course:
        name, device, dtype = _key(job)
        done = self._done[_key(job)]
        steps = [_step(number, value) for number, value in enumerate(_taken(done), 1)]
        truth, yardstick = self._held_against(device, dtype)
        about: dict[str, Any] = {
            "implementation": self.names[name],
            "device": device,
            "dtype": dtype,
            "stand_in": device in STAND_INS,
            "steps": tuple(steps),
            "wrong_at": rounding_limits.wrong_at(steps),
            "parts_at": rounding_limits.parts_at(steps, truth, yardstick, dtype),
            "path": next((value["path"] for value in _taken(done)), None) or self.names[name],
            "note": next((value["note"] for value in _taken(done)), None) or self._called(name),
        }
        return Course(**about | _end(done, steps, self.names[name], own=job.name == MODEL_ROTATION))

    def _held_against(self, device: str, dtype: str) -> tuple[Reference, Reference | None]:
        truth, *others = self.references()
        return truth, next(
            (each for each in others if (each.device, each.dtype) == (device, dtype)), None
        )


def _end(done: Sequence[Done], steps: Sequence[Step], name: str, *, own: bool) -> dict[str, Any]:
    """Return the verdict of a run and what goes with it."""
    failed = next((each for each in done if not isinstance(each.outcome, Returned)), None)
    if failed:
        cell = cell_of(failed, name, None)
        at = "" if failed.opening else f"{failed.task[1]}: "
        told = {"message": f"{at}{cell.message}", "trace": cell.trace}
        return told | {"verdict": cell.verdict} | knowledge_of(cell)
    stopped = next((value for value in _values(done) if value["state"] in STOPPED), None)
    if stopped:
        return _stopped(stopped)
    unfit = rounding_limits.inconclusive_at(steps)
    if unfit:
        return {"verdict": "skipped", "message": messages.inconclusive(unfit, keeps_rotation=own)}
    wrong = rounding_limits.wrong_at(steps)
    return (
        {"verdict": "disagrees", "message": messages.wrong(steps[wrong - 1])}
        if wrong
        else {"verdict": "agrees"}
    )


def _failure(done: Done) -> str:
    return f"{done.outcome}{' while it was built' if done.opening else ''}"


def _stopped(value: dict[str, Any]) -> dict[str, Any]:
    """Return the end of a run that did not start, or whose implementation returned what no model can use."""
    if value["state"] != "wrong":
        return {"verdict": value["state"], "message": value["message"], "fix": value.get("advice")}
    known = diagnose.fields_of(diagnose.for_finding(value["finding"]))
    return known | {"verdict": "disagrees", "message": value["message"]}


def _step(number: int, value: dict[str, Any]) -> Step:
    beside = value["agreement"] or {}
    return Step(
        number=number,
        loss=value["loss"],
        gradient_error=beside.get("error"),
        rounding=beside.get("rounding"),
        tensor=beside.get("tensor"),
        tensor_error=beside.get("tensor_error"),
        tensor_rounding=beside.get("tensor_rounding"),
    )


def _values(done: Sequence[Done]) -> list[dict[str, Any]]:
    """Return what came back, in the order of the steps."""
    return [each.outcome.value for each in done if isinstance(each.outcome, Returned)]


def _taken(done: Sequence[Done]) -> list[dict[str, Any]]:
    """Return what came back of the steps that were taken, in their order."""
    return [value for value in _values(done) if value["state"] == "ran"]


def _key(job: Job) -> Key:
    return job.setup["implementation"], job.setup["device"], job.setup["dtype"]
