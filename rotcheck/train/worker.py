"""Inside a worker: opens one run of training and takes its steps, one a task."""

from collections.abc import Callable
from typing import Any

import msgspec
import torch

from rotcheck.identify.worker_device import place
from rotcheck.measure.subject import Subject, Wrong
from rotcheck.measure.subject_opening import NotAsked, open_subject
from rotcheck.scrub import scrub
from rotcheck.train import rotation
from rotcheck.train.batches import Batch
from rotcheck.train.model_builder import ModelBuilder
from rotcheck.train.trainer import Trainer

Answer = Callable[[list[str]], dict[str, Any]]
OVER = -1  # of the steps taken: the weights are NaN, and no step follows
REFERENCES = {"float64": rotation.truth, "yardstick": rotation.yardstick}


def open_course(setup: dict[str, Any]) -> Answer:
    """Open a run; what answers its tasks [dtype, "step 1"], [dtype, "step 2"], ... in their order.

    `setup["rotation"]`: "float64" or "yardstick" for the references, "own" for a module that has
    its own, and "implementation" for `setup["implementation"]`. Raises `RequestError` for what is
    not as asked, and whatever an implementation or a user's module raises while it is loaded.
    """
    torch.set_num_threads(1)  # several workers would fight for the cores
    batches = msgspec.convert(setup["batches"], list[Batch])
    builder = ModelBuilder(setup["model"], setup["seed"])
    dtype = getattr(torch, setup["dtype"])
    if setup["rotation"] != "implementation":
        reference = REFERENCES.get(setup["rotation"], rotation.truth)
        return _steps(
            Trainer(builder, reference, place(setup["device"]), dtype),
            batches,
            compare=setup["rotation"] == "own",
        )
    try:
        subject = open_subject(setup)
    except NotAsked as error:
        refusal = error.answer
        return lambda task: refusal
    reason = subject.no_gradient or subject.target.skip(setup["device"], setup["dtype"])
    if reason:
        return lambda task: {"state": "skipped", "message": reason}

    trainer = Trainer(builder, rotation.implementation(subject), subject.device, dtype, subject)
    return _steps(trainer, batches, compare=True, about=lambda: _about(subject))


def _about(subject: Subject) -> dict[str, Any]:
    """Which code really ran, and why."""
    ran, why = subject.target.path()
    return {"path": ran, "note": why and scrub(why)}


def _steps(
    trainer: Trainer,
    batches: list[Batch],
    *,
    compare: bool,
    about: Callable[[], dict[str, Any]] = lambda: {"path": None, "note": None},
) -> Answer:
    steps_taken = 0

    def answer(task: list[str]) -> dict[str, Any]:
        nonlocal steps_taken
        number = int(task[1].rpartition(" ")[2])
        if number != steps_taken + 1:  # a step before this one was lost, and with it the weights
            return {"state": "lost"}
        try:
            result = trainer.step(batches[number - 1], compare=compare)
        except Wrong as wrong:
            fields = {"finding": wrong.evidence.finding, "message": f"{task[1]}: {wrong}"}
            return {"state": "wrong", **fields, **about()}
        except rotation.SeamMismatch as unfit:
            return {"state": "skipped", "message": str(unfit)}
        steps_taken = number if trainer.finite else OVER
        return {"state": "ran", **msgspec.to_builtins(result), **about()}

    return answer


def open_model(model: str) -> Callable[[Any], bool]:
    """Load the user's model; what answers whether it keeps its own rotation."""
    builder = ModelBuilder(model, 0)
    return lambda task: builder.has_rotation
