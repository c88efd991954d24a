"""The front's half of what to do next: the command that follows, or how to give what became of a worker a way out."""

import os
import shlex
from pathlib import Path

from msgspec.structs import replace

from rotcheck.isolation import Died, Done, Outcome, OverMemory, Raised, Returned, TimedOut
from rotcheck.results import INTERPRETER, Identification

DECLARED = "@rotcheck.declare(pairing=..., layout=..., tables=...)"
LACKING = ("ModuleNotFoundError", "NotInstalled")  # raised for want of a package
LAUNCHES = "it launches a Triton kernel, and Triton finds no GPU here"
ELSEWHERE = "run the same command on a machine that has what it needs: `rotcheck probe` shows what this one has"
LONGER = 5  # times the limit that was too short


def next_step(told: Identification, specification: str) -> Identification:
    """Return an identification with the command that follows: what is right here may still go wrong elsewhere."""
    if told.answer != "right" or told.convention is None:
        return told
    makes = told.convention.kind != "applies"
    command = "context" if makes else "compare"
    why = (
        "how far its angles are right, also after .bfloat16()"
        if makes
        else "in each dtype"
        if told.device == INTERPRETER
        else "on this machine's devices, in each dtype"
    )
    on = " --device interpreter" if told.device == INTERPRETER and not makes else ""
    return replace(
        told, advice=(*told.advice, f"rotcheck {command} {quoted(specification)}{on}  ({why})")
    )


def typed(specification: str) -> str:
    """Return a specification as it can be typed here."""
    file, colon, name = specification.rpartition(":")
    if file.endswith(".py") and os.path.isabs(file):
        return f"{Path(os.path.relpath(file)).as_posix()}{colon}{name}"
    return specification


def quoted(specification: str) -> str:
    """Return a specification, or the path of a file, as a shell takes it."""
    return shlex.quote(typed(specification))


def of_outcome(done: Done, *, unbuilt: bool) -> tuple[str, ...]:
    """Return what to do where a worker did not come back with an answer."""
    outcome, name = done.outcome, typed(done.job.name)
    if unbuilt:
        return (
            f"name a function of no argument that builds it: def build(): return {name.rpartition(':')[2]}(...)",
        )
    if isinstance(outcome, Returned) and "unavailable" in outcome.value:
        return (ELSEWHERE,)
    if isinstance(outcome, OverMemory):
        small = f"it is built too big: write a function of no argument that builds {name.rpartition(':')[2]} small"
        return (f"{small}, and name that",)
    if done.opening:
        return _of_import(outcome, done.job.name)
    if isinstance(outcome, TimedOut):
        limit = f"{LONGER * outcome.limit:g}"
        more = f"give it longer: --timeout {limit}, or `timeout = {limit}` in a policy"
        return (more, f"or declare it above the function, and nothing is searched: {DECLARED}")
    # there a kernel is at fault
    if isinstance(outcome, Died) and done.job.setup["device"] != "interpreter":
        return (f"say above the function how it is called, and no wrong call is tried: {DECLARED}",)
    return ()


def lacks_a_package(done: Done) -> bool:
    """Return whether what its module imports is not installed: that says nothing of the function."""
    return done.opening and _exception(done.outcome) in LACKING


def _exception(outcome: Outcome) -> str:
    """Return the class of what was raised, without its module; empty: nothing was."""
    return outcome.kind.rpartition(".")[2] if isinstance(outcome, Raised) else ""


def _of_import(outcome: Outcome, specification: str) -> tuple[str, ...]:
    """Return what to do where a module, or a file, raises, dies or does not end while it is imported."""
    module, _, function = specification.rpartition(":")
    is_file = module.endswith(".py")
    apart = (
        (f"or copy {function} and what it calls into a file of its own, and name that",)
        if is_file
        else ()
    )
    kind = _exception(outcome)
    if isinstance(outcome, Raised) and kind == LACKING[0]:
        lacking = outcome.message.rpartition("named ")[2].strip("'")
        install = f"install the package that has the module {lacking}"
        return (f"{install}, or put the folder that holds it on PYTHONPATH", *apart)
    if kind in LACKING:
        return ("install it", *apart)
    if kind == "ImportError":
        return ("install the versions of its packages that it was written for", *apart)
    target = shlex.quote(os.path.relpath(module)) if is_file else f"-c 'import {module}'"
    sees = f"`python -X faulthandler {target}`"
    if isinstance(outcome, TimedOut):
        longer = f"one that is only slow needs --timeout {LONGER * outcome.limit:g}"
        return (f"{sees} shows where its import waits; {longer}",)
    return (f"its import must work first: {sees} shows what it does", *apart)
