"""Inside a worker: opens an implementation on a device and answers one check after another."""

import base64
import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import torch

from rotcheck.compare import checks as check_files
from rotcheck.errors import RequestError
from rotcheck.implementations.interface import Unavailable
from rotcheck.measure.case import HEADS, PAIRS, POSITIONS, Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.subject import Subject, Wrong
from rotcheck.measure.subject_opening import NotAsked, open_subject
from rotcheck.scrub import scrub

Answer = Callable[[list[str]], Any]


class JudgingError(Exception):
    """rotcheck's own code failed around an implementation, and probably not because of it."""


def open_implementation(setup: dict[str, Any]) -> Answer:
    """Load `setup["implementation"]` for `setup["device"]`; return what answers tasks [dtype,
    check].

    Raises `RequestError` when there is no such implementation, and whatever the implementation
    itself raises while it is imported and loaded.
    """
    try:
        subject = open_subject(setup)
    except NotAsked as reason:
        answer = reason.answer
        return lambda task: answer
    return answers(subject, setup["device"], bool(setup.get("outputs")))


def answers(subject: Subject, device: str, outputs: bool) -> Answer:
    """Answers tasks [dtype, check] with evidence as plain data; raises what the subject raises."""
    case_of = cache(lambda dtype: Case(subject, getattr(torch, dtype)))

    def answer(task: list[str]) -> Any:
        dtype, check = task
        evidence = _reason_to_skip(subject, device, dtype, check) or _run(
            subject, case_of(dtype), check
        )
        if outputs and check == "forward" and evidence.error is not None:
            evidence = msgspec.structs.replace(evidence, output=_output(subject, case_of(dtype)))
        return msgspec.to_builtins(evidence)

    return answer


def _reason_to_skip(subject: Subject, device: str, dtype: str, check: str) -> Evidence | None:
    asking = importlib.import_module(check_files.files()[check].module)
    if subject.no_gradient and getattr(asking, "needs_gradient", False):
        return Evidence(state="skipped", message=subject.no_gradient, applies=False)
    if subject.device.type == "meta" and getattr(asking, "needs_values", True):
        return Evidence(
            state="skipped", message="tensors on meta have no values; `dtype` and `state` need none"
        )
    reason = subject.target.skip(device, dtype)
    return Evidence(state="skipped", message=reason) if reason else None


def _run(subject: Subject, case: Case, check: str) -> Evidence:
    subject.raised = None
    module = importlib.import_module(check_files.files()[check].module)
    try:
        evidence: Evidence = module.run(subject, case)
    except Wrong as wrong:
        evidence = wrong.evidence
    except Unavailable as error:
        return Evidence(state="unavailable", message=scrub(str(error)))
    except BaseException as error:
        if subject.raised is error or isinstance(error, RequestError):
            raise
        raise JudgingError(f"{type(error).__name__}: {error}") from error
    path, reason = subject.target.path()
    notes = [note for note in (evidence.note, path and reason) if note]
    return msgspec.structs.replace(
        evidence, path=path, note=scrub("; ".join(notes)) or None, seconds=subject.seconds
    )


def _output(subject: Subject, case: Case) -> str | None:
    """The rotated q as pairs (B, S, H, P, 2) in float64, in base64; None when they are complex."""
    q = case.read(subject.call(case.call()))[0]  # (B, S, H, P, 2)
    if q.is_complex() or q.shape[-3:] != (HEADS, PAIRS, 2) or case.positions != POSITIONS:
        return None
    return base64.b64encode(bytes(q.contiguous().view(torch.uint8).flatten().tolist())).decode()
