"""From the setup of a job to the subject that it asks:
how every study's worker opens an implementation."""

from typing import Any, Literal

import msgspec

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.registry import is_registered
from rotcheck.implementations.target import implementation_of
from rotcheck.implementations.triton_interpreter import interpret
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.subject import Subject, Unidentified
from rotcheck.scrub import scrub


class NotAsked(Exception):
    """The implementation is asked nothing here;
    `answer`: the evidence that says why, as plain data."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer["message"])
        self.answer = answer


def open_subject(setup: dict[str, Any], *, threads: int | None = 1) -> Subject:
    """Load the implementation of a job for its device.

    Args:
        setup: `implementation` (a SPEC), `device`, and, where `identify` was asked first, the
            `convention` that it found, whether that was stated (`declares`), why there is
            `no_gradient`, or what to answer in its place (`instead`, or `unidentified` if it
            declares no convention).
        threads: As `Subject` has it.

    Raises:
        NotAsked: It is not on this machine, not for this device, or not to be run.
        Exception: Whatever the implementation raises while it is imported and loaded.
    """
    if setup.get("instead"):
        raise NotAsked(setup["instead"])
    specification, device = setup["implementation"], setup["device"]
    convention = setup.get("convention")
    try:
        if device == "interpreter":
            _turn_on_interpreter(specification)
        return Subject(
            specification,
            device,
            msgspec.convert(convention, Convention) if convention else None,
            declares=setup.get("declares", True),
            no_gradient=setup.get("no_gradient"),
            threads=threads,
        )
    except Unavailable as error:
        raise _not_asked("unavailable", scrub(str(error))) from error
    except Unidentified as error:
        raise NotAsked(setup["unidentified"]) from error


def _turn_on_interpreter(specification: str) -> None:
    """Run Triton kernels on CPU tensors; raises `NotAsked` for what
    is registered as having none."""
    if is_registered(specification):
        implementation = implementation_of(specification)
        if not getattr(implementation, "triton", False):
            words = "it has no Triton kernel; on CPU tensors it is what it is on cpu"
            raise _not_asked("skipped", words)
    interpret()


def _not_asked(state: Literal["unavailable", "skipped"], message: str) -> NotAsked:
    return NotAsked(msgspec.to_builtins(Evidence(state=state, message=message)))
