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


def lay_meta(setup: None) -> None:
    """Have torch import what it needs for tensors on meta, which takes a second."""
    torch.ones(2, device="meta") / 2


def open_context(setup: dict[str, Any]) -> Answer:
    """Load `setup["specification"]` for `setup["device"]`; return what tries it under a condition.

    `setup["known"]`: what is known of it; None: nothing yet, so the answer tells. `setup["then"]`:
    the device on which it is asked afterwards: only how to ask it and where its positions end is
    wanted; None: it is measured here. Raises `RequestError` when there is no such object or no such
    device; a class that cannot be built is an answer.
    """
    check(setup["device"])
    torch.set_num_threads(1)
    before, began = switches.read(), time.perf_counter()
    try:
        target = resolve(setup["specification"], setup["device"])
    except (Unavailable, NotBuilt) as error:
        refusal = _refusal(error)
        return lambda task: refusal
    facts = {"torch": str(torch.__version__), "opening": time.perf_counter() - began}

    def answer(task: tuple[str, str]) -> dict[str, Any]:
        with torch.no_grad():
            try:
                return facts | _answer(setup, target, task[1])
            except (DoesNotApply, MakesNoAngles) as error:
                clear = not isinstance(error, NoCallFits)
                return facts | {"skipped": scrub(str(error)), "understood": clear}
            finally:
                switches.move(before, now=switches.read())  # others may be tried in this process

    return answer


def _refusal(error: Unavailable | NotBuilt) -> dict[str, Any]:
    words = scrub(str(error))
    if isinstance(error, NotBuilt):
        return {"unbuilt": scrub(error.reason), "refused": words}
    return {"unavailable": words}


def _answer(setup: dict[str, Any], target: Target, condition: str) -> dict[str, Any]:
    """What is known of it, and what was measured."""
    if setup["known"] is not None:
        profile = msgspec.convert(setup["known"], AngleProfile)
    else:
        profile = recognise(target, setup["device"])
        profile = msgspec.structs.replace(profile, to=setup["to"], by_file=target.by_file)
    specimen = Specimen(setup["specification"], setup["device"], profile)
    if setup["then"] is not None:
        profile = called_on(setup["then"], with_last_position(profile, specimen.source()))
        return {"known": msgspec.to_builtins(profile)}
    return {"known": msgspec.to_builtins(profile), **_run_condition(specimen, condition)}


def _run_condition(specimen: Specimen, name: str) -> dict[str, Any]:
    condition = importlib.import_module(f"rotcheck.context.conditions.{name.replace('-', '_')}")
    try:
        result = condition.run(specimen).plain()
    except NoRotation as error:
        finding = error.finding if error.finding == "imaginary-dropped" else condition.blames
        result = {"finding": finding, "message": f"it {scrub(str(error))}"}
    return {**result, "blames": condition.blames}
