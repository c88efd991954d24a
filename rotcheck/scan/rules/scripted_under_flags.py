"""Functions that the legacy executor runs because another line of the project selects it."""

import ast
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan import torchscript_flags
from rotcheck.scan.module import Module
from rotcheck.scan.project import Project

CODE = "scripted-under-flags"
TITLE = "A scripted function runs under the legacy executor"
WORDS = torchscript_flags.WORDS
TESTS_TOO = True


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each scripted function, where a file of the project selects
    the legacy executor for good."""
    places = list(torchscript_flags.scripted_functions(module))
    lines = _lines(module, project) if places else []
    for place in places if lines else []:
        nodes = module.nodes(ast.stmt, ast.Call)
        node = next(node for node in nodes if getattr(node, "lineno", 0) == place.line)
        message = (
            f"`{place.name}` is scripted, and {', '.join(lines)} selects TorchScript's legacy executor for the whole "
            "process: it raises `Unknown device for graph fuser`"
        )
        change = (
            f"Delete the flag lines ({', '.join(lines)}): that fixes every function at once. Where the lines are not "
            "yours, leave out the scripting: a plain function, or `torch.compile`."
        )
        yield module.hazard(CODE, node, message, change, devices=torchscript_flags.OTHER_DEVICES)


def _lines(module: Module, project: Project) -> list[str]:
    return [
        f"{flag.file}:{flag.line}"
        for flag in torchscript_flags.flags_that_run(project)
        if flag.effect.failure == "J1" and module.file in project.imports.together(flag.file)
    ]
