"""Flags of TorchScript's executor and fusers, which one file sets for the whole process."""

from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan import torchscript_flags
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project
from rotcheck.scan.torchscript_flags import Flag

CODE = "legacy-executor"
TITLE = "A TorchScript flag is set for the whole process"
WORDS = ("_jit_set_", "_jit_override_")
CHANGE = (
    "Delete the line: current torch needs none of these flags. To keep it for one call, put the value back after the "
    "call: these functions return the old one, or have a getter."
)


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each flag that stays set."""
    running = {(flag.file, flag.line): flag for flag in torchscript_flags.flags_that_run(project)}
    flags = [flag for flag in torchscript_flags.flags(module) if (flag.file, flag.line) in running]
    hiding = [flag for flag in flags if flag.effect.failure == "J1"]
    for flag in flags:
        once = f"once `{flag.setter}` ran, " if flag.setter else ""
        message = f"{once}`{flag.text}` {flag.effect.does}{_more(flag, hiding, project)}"
        devices, failure = flag.effect.devices, flag.effect.failure
        yield module.hazard(CODE, flag.call, message, CHANGE, devices=devices, failure=failure)


def _more(flag: Flag, hiding: list[Flag], project: Project) -> str:
    """Which functions fail, in whatever file; or which line hides what this one does."""
    if flag.effect.failure == "J1":
        places = torchscript_flags.scripts_beside(flag, project)
        return f". Here: {', '.join(map(str, places))}" if places else ""
    if flag.effect.failure == "J2" and hiding:
        line = hiding[0].line
        return f". Line {line}, which selects the legacy executor, hides that: delete both"
    return ""
