"""Flags of TorchScript's executor and fusers, which one file sets for the whole process."""

from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan import torchscript
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project

CODE = "legacy-executor"
TITLE = "A TorchScript flag is set for the whole process"
WORDS = ("_jit_set_", "_jit_override_")
CHANGE = (
    "Delete the line: current torch needs none of these flags. To keep it for one call, put the value back behind the "
    "call: these functions return the old one, or have a getter."
)


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each flag that stays set."""
    for flag in torchscript.flags(module):
        message = f"`{flag.text}` {flag.effect.does}{_reach(flag, project)}{_rest(flag, module)}"
        yield module.hazard(
            CODE, flag.call, message, CHANGE, devices=flag.effect.devices, failure=flag.effect.failure
        )


def _reach(flag: torchscript.Flag, project: Project) -> str:
    """Return which functions fail: all that the project scripts, whatever file they stand in."""
    places = project.collect(torchscript.scripted, *torchscript.WORDS)
    if flag.effect.failure != "J1" or not places:
        return ""
    return ". Here: " + ", ".join(map(str, places))


def _rest(flag: torchscript.Flag, module: Module) -> str:
    """Return what hides the effect of the flag that forces fusion on the CPU, until that line is deleted alone."""
    hiding = [other.line for other in torchscript.flags(module) if other.effect.failure == "J1"]
    if flag.effect.failure != "J2" or not hiding:
        return ""
    return f". Line {hiding[0]}, which selects the legacy executor, hides that: delete both"
