"""From the answers of workers to the courses of runs, each with its verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

from rotcheck import diagnose
from rotcheck.compare.cells import fields_of_failure
from rotcheck.identify.front_identity import Identity
from rotcheck.isolation import Done, Job, Returned
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import Course, Reference, Step
from rotcheck.study.request import display_names
from rotcheck.train import messages, rounding_limits
from rotcheck.train.plan import MODEL_ROTATION, TRUTH, YARDSTICK

FINAL_STATES = ("unavailable", "skipped", "wrong", "unidentified")

Key = tuple[str, str, str]  # SPEC, device, dtype


class TrainingRuns:
    """What has come back so far, of each run."""

    def __init__(self, jobs: Sequence[Job], identities: Mapping[str, Identity] = {}) -> None:
        self.identities = identities
        self._references = [job for job in jobs if job.name in (TRUTH, YARDSTICK)]
        self._subjects = [job for job in jobs if job.name not in (TRUTH, YARDSTICK)]
        specs = [job.setup["implementation"] for job in self._subjects]
        self.labels = display_names(dict.fromkeys(specs))
        model = jobs[0].setup["model"]
        self.model_name = display_names([model])[model] if model else ""
        self._answers: dict[Key, list[Done]] = {_key(job): [] for job in jobs}

    def take(self, answer: Done) -> str:
        """Keep one answer; what was done, in words."""
        self._answers[_key(answer.job)].append(answer)
        name, device, dtype = _key(answer.job)
        return f"{self.labels.get(name, name)} {device} {dtype} {answer.task[1]}"

    def references(self) -> tuple[Reference, ...]:
        """The float64 run, and the yardstick of each device and dtype."""
        return tuple(map(self._reference, self._references))

    def courses(self) -> list[Course]:
        """A course for each run under test that ran to completion."""
        return [
            self._course(job)
            for job in self._subjects
            if len(self._answers[_key(job)]) == len(job.tasks)
        ]

    def _reference(self, job: Job) -> Reference:
        answers = self._answers[_key(job)]
        failure = _first_failure(answers)
        moment = " while it was built" if failure and failure.opening else ""
        return Reference(
            name="float64" if job.name == TRUTH else "rounded once",
            device=job.setup["device"],
            dtype=job.setup["dtype"],
            losses=tuple(value["loss"] for value in _step_values(answers)),
            message=f"{failure.outcome}{moment}" if failure else None,
        )

    def _course(self, job: Job) -> Course:
        spec, device, dtype = _key(job)
        answers = self._answers[_key(job)]
        values = _step_values(answers)
        steps = [_step(number, value) for number, value in enumerate(values, 1)]
        truth, *yardsticks = self.references()
        yardstick = next((y for y in yardsticks if (y.device, y.dtype) == (device, dtype)), None)
        fields: dict[str, Any] = {
            "implementation": self.labels[spec],
            "device": device,
            "dtype": dtype,
            "stand_in": device in STAND_INS,
            "steps": tuple(steps),
            "wrong_at": rounding_limits.wrong_at(steps),
            "parts_at": rounding_limits.parts_at(steps, truth, yardstick, dtype),
            "path": next((value["path"] for value in values), None) or self.labels[spec],
            "note": next((value["note"] for value in values), None) or self._call_note(spec),
        }
        keeps_rotation = job.name == MODEL_ROTATION
        return Course(**fields | _verdict(answers, steps, keeps_rotation))

    def _call_note(self, spec: str) -> str | None:
        """How a function is called that was identified."""
        identity = self.identities.get(spec)
        return messages.convention_note(identity) if identity and identity.convention else None


def _verdict(
    answers: Sequence[Done], steps: Sequence[Step], keeps_rotation: bool
) -> dict[str, Any]:
    """The verdict of a run, and what goes with it."""
    failure = _first_failure(answers)
    if failure:
        fields = fields_of_failure(failure)
        moment = "" if failure.opening else f"{failure.task[1]}: "
        return fields | {"message": f"{moment}{fields['message']}"}
    end = next((value for value in _values(answers) if value["state"] in FINAL_STATES), None)
    if end:
        return _final_verdict(end)
    step = rounding_limits.inconclusive_at(steps)
    if step:
        message = messages.inconclusive(step, keeps_rotation=keeps_rotation)
        return {"verdict": "skipped", "message": message}
    wrong = rounding_limits.wrong_at(steps)
    if wrong:
        return {"verdict": "disagrees", "message": messages.wrong(steps[wrong - 1])}
    return {"verdict": "agrees"}


def _final_verdict(value: dict[str, Any]) -> dict[str, Any]:
    """The verdict of a run that did not start, or whose implementation returned nonsense."""
    if value["state"] != "wrong":
        return {"verdict": value["state"], "message": value["message"], "fix": value.get("advice")}
    knowledge = diagnose.fields_of(diagnose.for_finding(value["finding"]))
    return knowledge | {"verdict": "disagrees", "message": value["message"]}


def _step(number: int, value: dict[str, Any]) -> Step:
    return Step(number=number, loss=value["loss"], **value["agreement"] or {})


def _first_failure(answers: Sequence[Done]) -> Done | None:
    return next((answer for answer in answers if not isinstance(answer.outcome, Returned)), None)


def _values(answers: Sequence[Done]) -> list[dict[str, Any]]:
    """What came back, in the order of the steps."""
    return [answer.outcome.value for answer in answers if isinstance(answer.outcome, Returned)]


def _step_values(answers: Sequence[Done]) -> list[dict[str, Any]]:
    """What came back of each step that ran, in their order."""
    return [value for value in _values(answers) if value["state"] == "ran"]


def _key(job: Job) -> Key:
    return job.setup["implementation"], job.setup["device"], job.setup["dtype"]
