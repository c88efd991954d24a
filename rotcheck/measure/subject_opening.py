"""From the setup of a job to the subject that it asks: how every study's worker opens an implementation."""

from typing import Any, Literal

import msgspec

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.registry import is_registered
from rotcheck.implementations.target import implementation_of
from rotcheck.implementations.triton_interpreter import interpret
from rotcheck.measure.subject import Subject
from rotcheck.scrub import scrub


class NotAsked(Exception):
    """The implementation is asked nothing here; the message says why."""

    def __init__(self, state: Literal["unavailable", "skipped"], message: str) -> None:
        super().__init__(message)
        self.state: Literal["unavailable", "skipped"] = state


def open_subject(setup: dict[str, Any], *, threads: int | None = 1) -> Subject:
    """Load the implementation of a job for its device.

    Args:
        setup: `implementation` (a SPEC), `device`, and, where `identify` was asked first, the
            `convention` that it found, whether that was stated (`declares`), and why there is
            `no_gradient`.
        threads: As `Subject` has it.

    Raises:
        NotAsked: It is not on this machine, or not for this device.
        Unidentified: It declares no convention, and none was found.
        Exception: Whatever the implementation raises while it is imported and loaded.
    """
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
        raise NotAsked("unavailable", scrub(str(error))) from error


def _turn_on_interpreter(specification: str) -> None:
    """Run Triton kernels on CPU tensors; raises `NotAsked` for what is registered as having none."""
    if is_registered(specification):
        implementation = implementation_of(specification)
        if not getattr(implementation, "triton", False):
            words = "it has no Triton kernel; on CPU tensors it is what it is on cpu"
            raise NotAsked("skipped", words)
    interpret()
