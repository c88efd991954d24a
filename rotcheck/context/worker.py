"""Inside a worker: tries one object under one condition."""

import importlib
import time
from collections.abc import Callable
from typing import Any

import msgspec
import torch

from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.angle_recognition import MakesNoAngles, NoCallFits, called_on, recognise
from rotcheck.context.angle_sources import NoRotation
from rotcheck.context.condition_result import DoesNotApply
from rotcheck.context.last_position import with_last_position
from rotcheck.context.specimen import Specimen
from rotcheck.identify.worker_device import check
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.named_object import NotBuilt
from rotcheck.implementations.target import Target, resolve
from rotcheck.measure import switches
from rotcheck.scrub import scrub

Answer = Callable[[tuple[str, str]], dict[str, Any]]
Experiment = Callable[[Target, AngleProfile, str], dict[str, Any]]


def open_context(setup: dict[str, Any]) -> Answer:
    """Load `setup["specification"]` for `setup["device"]`; return what tries it under a condition.

    `setup["known"]`: what is known of it; None: nothing yet, so the answer tells. Raises
    `RequestError` when there is no such object or no such device; a class that cannot be built is
    an answer.
    """

    def study(target: Target, profile: AngleProfile, condition: str) -> dict[str, Any]:
        return _run_condition(Specimen(setup["specification"], setup["device"], profile), condition)

    return _open(setup, study)


def open_recognition(setup: dict[str, Any]) -> Answer:
    """Load as `open_context` does; what tells how to ask it, and where its positions end.

    `setup["then"]`: the device on which it is asked afterwards.
    """

    def ends(target: Target, profile: AngleProfile, condition: str) -> dict[str, Any]:
        specimen = Specimen(setup["specification"], setup["device"], profile)
        there = called_on(
            setup["then"], with_last_position(profile, specimen.source(specimen.fresh()))
        )
        return {"known": msgspec.to_builtins(there)}

    return _open(setup, ends)


def _open(setup: dict[str, Any], study: Experiment) -> Answer:
    check(setup["device"])
    torch.set_num_threads(1)
    before, began = switches.read(), time.perf_counter()
    try:
        target = resolve(setup["specification"], setup["device"])
    except Unavailable as error:
        return _always({"unavailable": scrub(str(error))})
    except NotBuilt as error:
        return _always({"unbuilt": scrub(error.reason), "refused": scrub(str(error))})

    opening = time.perf_counter() - began

    def answer(task: tuple[str, str]) -> dict[str, Any]:
        facts: dict[str, Any] = {"torch": str(torch.__version__), "opening": opening}
        with torch.no_grad():
            try:
                profile = _profile_of(setup, target)
                return {
                    **facts,
                    "known": msgspec.to_builtins(profile),
                    **study(target, profile, task[1]),
                }
            except (DoesNotApply, MakesNoAngles) as error:
                clear = not isinstance(error, NoCallFits)
                return {**facts, "skipped": scrub(str(error)), "understood": clear}
            finally:
                switches.move(before, now=switches.read())  # others may be tried in this process

    return answer


def _profile_of(setup: dict[str, Any], target: Target) -> AngleProfile:
    if setup["known"] is not None:
        return msgspec.convert(setup["known"], AngleProfile)
    profile = recognise(target, setup["device"])
    return msgspec.structs.replace(profile, to=setup.get("to"), by_file=target.by_file)


def _run_condition(specimen: Specimen, name: str) -> dict[str, Any]:
    condition = importlib.import_module(f"rotcheck.context.conditions.{name.replace('-', '_')}")
    try:
        measurement = condition.run(specimen)
    except NoRotation as error:
        finding = error.finding if error.finding == "imaginary-dropped" else condition.blames
        return {
            "finding": finding,
            "message": f"it {scrub(str(error))}",
            "blames": condition.blames,
        }
    return {**measurement.plain(), "blames": condition.blames}


def _always(answer: dict[str, Any]) -> Answer:
    return lambda task: answer
