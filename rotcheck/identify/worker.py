"""Inside a worker: identifies one function, which it loads as `compare` does."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec
import torch

from rotcheck.errors import RequestError
from rotcheck.identify import identification
from rotcheck.identify.asking import flags, idle_flags
from rotcheck.identify.calling.call_shapes import call_with_shapes
from rotcheck.identify.calling.eager_mode import run_eagerly
from rotcheck.identify.reading.convention_words import describe
from rotcheck.implementations import module_import
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.named_object import NotBuilt
from rotcheck.implementations.target import registered_convention, resolve
from rotcheck.implementations.triton_interpreter import interpret
from rotcheck.measure import switches
from rotcheck.results import Told
from rotcheck.scrub import scrub

Answer = Callable[[Any], Any]


def open_identification(setup: dict[str, Any]) -> Answer:
    """Load `setup["specification"]` for `setup["device"]`; return what identifies it.

    Raises `RequestError` when there is no such function; a class that cannot be built is an answer.
    """
    device = setup["device"]
    settle(device)
    untouched = switches.read()
    try:
        found = resolve(setup["specification"], device)
    except Unavailable as error:
        words, registered = scrub(str(error)), registered_convention(setup["specification"])
        known = msgspec.to_builtins(describe(registered)) if registered else None
        return lambda task: {"unavailable": words, "registered": known}
    except NotBuilt as error:
        unbuilt = scrub(error.reason)
        return lambda task: {"unbuilt": unbuilt}
    # what its import changed would change our own tensors
    switches.move(untouched, now=switches.read())

    def answer(task: Any) -> Any:
        before = switches.read()
        started = time.perf_counter()
        made = identification.identify(found, place(device))
        seconds = time.perf_counter() - started
        switches.move(before, now=switches.read())
        told = msgspec.structs.replace(
            made.identification,
            seconds=seconds,
            device=device,
            specification=setup["shown"],
            advice=tuple(
                one.replace("SPECIFICATION", setup["shown"]) for one in made.identification.advice
            ),
            evidence=(*made.identification.evidence, *_loaded(setup["specification"])),
        )
        convention = asdict(made.convention) if made.convention else None
        words = call_with_shapes(made.convention) if made.convention else None
        return {
            "told": msgspec.to_builtins(told),
            "convention": convention,
            "called": words,
            "flags": [turning.flag for turning in made.flags],
        }

    return answer


def open_flags(setup: dict[str, Any]) -> Answer:
    """Identify `setup["specification"]` again; return what tells of each flag what the function does with it.

    In a worker of its own: what was found without them stands, whatever becomes of the process.
    """
    settle(setup["device"])
    found = resolve(setup["specification"], setup["device"])
    made = identification.identify(found, place(setup["device"]))
    by_name = {turning.flag: turning for turning in made.flags}

    def answer(task: str) -> Any:
        assert made.with_flag is not None, "what has flags can be asked with them"
        turning = by_name[task]
        told = made.with_flag(turning)
        turned, wrong = flags.told(turning, told), idle_flags.mistakes(made, turning, told)
        return {"turned": msgspec.to_builtins(turned), "wrong": msgspec.to_builtins(wrong)}

    return answer


def _loaded(specification: str) -> list[Told]:
    """Return how a file was loaded, where that was not in full."""
    because = "what is lacking raises once it is asked for"
    return [
        Told(field="loaded", says=words, because=because)
        for words in module_import.told(specification)
    ]


def settle(device: str) -> None:
    """Make the worker ready for a device. Raises `RequestError` as `check` does."""
    if device == "interpreter":
        try:
            interpret()
        except Unavailable as error:
            raise RequestError(f"device 'interpreter' is not on this machine: {error}") from error
    else:
        check(device)
    torch.set_num_threads(1)
    run_eagerly()


def place(device: str) -> torch.device:
    """Return where tensors are made for a device; the interpreter runs on CPU tensors."""
    return torch.device("cpu" if device == "interpreter" else device)


def check(device: str) -> None:
    """Raise `RequestError` for a device that is not here, or has no values to look at."""
    try:
        place = torch.ones(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        words = (str(error).splitlines() or [""])[0]
        raise RequestError(
            f"device {device!r} is not on this machine ({words}); `rotcheck probe` lists those that are"
        ) from error
    if place.is_meta:
        raise RequestError(
            "tensors on meta have no values: a function is identified by those, on cpu for instance"
        )
