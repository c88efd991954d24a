"""Inside a worker: identifies one function, which it loads as `compare` does."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec

from rotcheck.identify import function_identification
from rotcheck.identify.asking import flags
from rotcheck.identify.calling.call_shapes import call_with_shapes
from rotcheck.identify.identification_result import IdentificationResult
from rotcheck.identify.reading.convention_words import describe
from rotcheck.identify.telling import idle_flags
from rotcheck.identify.worker_device import place, prepare, settle
from rotcheck.implementations import module_import
from rotcheck.implementations.foreign_code import ForeignCode
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.named_object import NotBuilt
from rotcheck.implementations.target import Target, registered_convention, resolve
from rotcheck.measure import switches
from rotcheck.results import FieldEvidence, Identification
from rotcheck.scrub import scrub

Answer = Callable[[Any], Any]


def open_identification(setup: dict[str, Any]) -> Answer:
    """Load `setup["specification"]` for `setup["device"]`; return what identifies it.

    Raises `RequestError` when there is no such function; a class that cannot be built is an answer.
    """
    device = setup["device"]
    settle(device)
    before = switches.read()
    try:
        target = resolve(setup["specification"], device)
    except Unavailable as error:
        text, declaration = scrub(str(error)), registered_convention(setup["specification"])
        convention = msgspec.to_builtins(describe(declaration)) if declaration else None
        foreign = isinstance(error, ForeignCode)
        return lambda task: {"unavailable": text, "registered": convention, "foreign": foreign}
    except NotBuilt as error:
        reason = scrub(error.reason)
        return lambda task: {"unbuilt": reason}
    # what its import changed would change our own tensors
    switches.move(before, now=switches.read())
    return lambda task: _message(setup, *_identify(target, device))


def lay_groundwork(setup: dict[str, Any]) -> None:
    """Import `setup["place"]`, once for all of its functions; what that raises,
    each of them meets again."""
    prepare(setup["device"])
    before = switches.read()
    module_import.import_once(setup["place"])
    switches.move(before, now=switches.read())


def _identify(target: Target, device: str) -> tuple[IdentificationResult, float]:
    """Identify a function, and put the switches back that it moved; the seconds that took."""
    before = switches.read()
    start = time.perf_counter()
    result = function_identification.identify(target, place(device))
    seconds = time.perf_counter() - start
    switches.move(before, now=switches.read())
    return result, seconds


def _message(setup: dict[str, Any], result: IdentificationResult, seconds: float) -> dict[str, Any]:
    """What goes to the front, as plain data."""
    fields = _for_front(result.identification, setup, seconds)
    convention = result.convention
    return {
        "told": msgspec.to_builtins(fields),
        "convention": asdict(convention) if convention else None,
        "called": call_with_shapes(convention) if convention else None,
        "flags": [call.flag for call in result.flags],
        "lacks_gpu": result.lacks_gpu,
    }


def _for_front(
    identification: Identification, setup: dict[str, Any], seconds: float
) -> Identification:
    """The identification with the words that the front uses for function and device."""
    advice = (line.replace("SPECIFICATION", setup["shown"]) for line in identification.advice)
    return msgspec.structs.replace(
        identification,
        seconds=seconds,
        device=setup["device"],
        specification=setup["shown"],
        advice=tuple(advice),
        evidence=(*identification.evidence, *_partial_import(setup["specification"])),
    )


def open_flags(setup: dict[str, Any]) -> Answer:
    """Identify `setup["specification"]` again; return what tells what it does with each flag.

    In a worker of its own: what was found without them stands, whatever becomes of the process.
    """
    settle(setup["device"])
    target = resolve(setup["specification"], setup["device"])
    plain = function_identification.identify(target, place(setup["device"]))
    calls = {call.flag: call for call in plain.flags}

    def answer(task: str) -> Any:
        assert plain.with_flag is not None, "what has flags can be asked with them"
        call = calls[task]
        with_flag = plain.with_flag(call)
        return {
            "turned": msgspec.to_builtins(flags.result(call, with_flag)),
            "wrong": msgspec.to_builtins(idle_flags.mistakes(plain, call, with_flag)),
        }

    return answer


def _partial_import(specification: str) -> list[FieldEvidence]:
    """How a file was loaded, if not in full."""
    because = "what is lacking raises once it is asked for"
    return [
        FieldEvidence(field="loaded", says=note, because=because)
        for note in module_import.loading_notes(specification)
    ]
