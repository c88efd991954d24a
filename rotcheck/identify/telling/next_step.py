"""What to do next: the command that follows an identification,
or the way out after a worker failed."""

import os
import shlex

from msgspec.structs import replace

from rotcheck.implementations.spec import as_typed, shell_word
from rotcheck.isolation import Died, Done, Outcome, OverMemory, Raised, Returned, TimedOut
from rotcheck.results import INTERPRETER, Identification

DECLARATION = "@rotcheck.declare(pairing=..., layout=..., tables=...)"
LACKING = ("ModuleNotFoundError", "NotInstalled")  # raised if a package is missing
ELSEWHERE = "run the same command on a machine that has what it needs: `rotcheck probe` shows what this one has"
LONGER = 5  # times the limit that was too short


def next_step(identification: Identification, specification: str) -> Identification:
    """An identification with the command that follows:
    what is right here may still be wrong elsewhere."""
    if identification.answer != "right" or identification.convention is None:
        return identification
    makes = identification.convention.kind != "applies"
    command = "context" if makes else "compare"
    why = (
        "how far its angles are right, also after .bfloat16()"
        if makes
        else "in each dtype"
        if identification.device == INTERPRETER
        else "on this machine's devices, in each dtype"
    )
    on = " --device interpreter" if identification.device == INTERPRETER and not makes else ""
    return replace(
        identification,
        advice=(
            *identification.advice,
            f"rotcheck {command} {shell_word(specification)}{on}  ({why})",
        ),
    )


def of_outcome(result: Done, *, unbuilt: bool) -> tuple[str, ...]:
    """What to do if a worker returned no answer."""
    outcome, name = result.outcome, as_typed(result.job.name)
    if unbuilt:
        return (
            f"name a function without arguments that builds it: def build(): return {name.rpartition(':')[2]}(...)",
        )
    if isinstance(outcome, Returned) and "unavailable" in outcome.value:
        return () if outcome.value["foreign"] else (ELSEWHERE,)
    if isinstance(outcome, OverMemory):
        small = f"write a function without arguments that builds {name.rpartition(':')[2]} small"
        return (f"the object is too large: {small}, and name that",)
    if result.opening:
        return _of_import(outcome, result.job.name)
    if isinstance(outcome, TimedOut):
        limit = f"{LONGER * outcome.limit:g}"
        more = f"give it longer: --timeout {limit}, or `timeout = {limit}` in a policy"
        return (more, f"or declare it above the function, and nothing is searched: {DECLARATION}")
    # there the kernel is to blame
    if isinstance(outcome, Died) and result.job.setup["device"] != "interpreter":
        return (
            f"declare above the function how it is called, and no wrong call is tried: {DECLARATION}",
        )
    return ()


def lacks_a_package(result: Done) -> bool:
    """Whether its module imports a package that is not installed:
    that says nothing about the function."""
    return result.opening and _exception(result.outcome) in LACKING


def _exception(outcome: Outcome) -> str:
    """The class of the exception, without its module; empty: there is none."""
    return outcome.kind.rpartition(".")[2] if isinstance(outcome, Raised) else ""


def _of_import(outcome: Outcome, specification: str) -> tuple[str, ...]:
    """What to do if the import of a module, or a file, raises, dies or hangs."""
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
