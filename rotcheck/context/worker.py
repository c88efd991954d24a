"""Inside a worker: tries one object under one condition."""

import importlib
import time
from collections.abc import Callable
from typing import Any

import msgspec
import torch

from rotcheck.context.ends import ended
from rotcheck.context.evidence import DoesNotApply
from rotcheck.context.known import Known
from rotcheck.context.recognition import NotJudged, NotUnderstood, called_on, recognise
from rotcheck.context.sources import NoRotation
from rotcheck.context.trial import Trial
from rotcheck.errors import RequestError
from rotcheck.identify.worker import check
from rotcheck.implementations import load
from rotcheck.implementations.interface import Unavailable
from rotcheck.measure import switches
from rotcheck.scrub import scrub

Answer = Callable[[tuple[str, str]], dict[str, Any]]
Study = Callable[[load.Target, Known, str], dict[str, Any]]


def open_context(setup: dict[str, Any]) -> Answer:
    """Load `setup["specification"]` for `setup["device"]`; return what tries it under a condition.

    `setup["known"]`: what is known of it; None: nothing yet, so the answer tells. Raises `RequestError` when there is
    no such object or no such device; a class that cannot be built is an answer.
    """

    def tried(found: load.Target, known: Known, condition: str) -> dict[str, Any]:
        return _tried(Trial(setup["specification"], setup["device"], known), condition)

    return _opened(setup, tried)


def open_recognition(setup: dict[str, Any]) -> Answer:
    """Load as `open_context` does, on the CPU; return what tells how it is asked, and where its positions end.

    `setup["then"]`: the device on which it is asked afterwards.
    """

    def ends(found: load.Target, known: Known, condition: str) -> dict[str, Any]:
        trial = Trial(setup["specification"], setup["device"], known)
        there = called_on(setup["then"], ended(known, trial.asked(trial.fresh())))
        return {"known": msgspec.to_builtins(there)}

    return _opened(setup, ends)


def _opened(setup: dict[str, Any], study: Study) -> Answer:
    check(setup["device"])
    torch.set_num_threads(1)
    before, began = switches.read(), time.perf_counter()
    try:
        found = load.find(setup["specification"], setup["device"])
    except Unavailable as error:
        return _always({"unavailable": scrub(str(error))})
    except RequestError as error:
        return _always({"unbuilt": scrub(load.why_unbuilt(error)), "refused": scrub(str(error))})

    opening = time.perf_counter() - began

    def answer(task: tuple[str, str]) -> dict[str, Any]:
        said: dict[str, Any] = {"torch": str(torch.__version__), "opening": opening}
        with torch.no_grad():
            try:
                known = _known(setup, found)
                return {**said, "known": msgspec.to_builtins(known), **study(found, known, task[1])}
            except (DoesNotApply, NotJudged) as error:
                understood = not isinstance(error, NotUnderstood)
                return {**said, "skipped": scrub(str(error)), "understood": understood}
            finally:
                switches.move(before, now=switches.read())  # others may be tried in this process

    return answer


def _known(setup: dict[str, Any], found: load.Target) -> Known:
    if setup["known"] is not None:
        return msgspec.convert(setup["known"], Known)
    known = recognise(found, setup["device"])
    return msgspec.structs.replace(known, to=setup.get("to"), by_file=found.by_file)


def _tried(trial: Trial, name: str) -> dict[str, Any]:
    condition = importlib.import_module(f"rotcheck.context.conditions.{name.replace('-', '_')}")
    try:
        evidence = condition.run(trial)
    except NoRotation as error:
        finding = error.finding if error.finding == "imaginary-dropped" else condition.blames
        return {
            "finding": finding,
            "message": f"it {scrub(str(error))}",
            "blames": condition.blames,
        }
    return {**evidence.plain(), "blames": condition.blames}


def _always(said: dict[str, Any]) -> Answer:
    return lambda task: said
