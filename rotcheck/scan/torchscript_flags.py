"""What TorchScript's flags do to the whole process, where a file sets them,
and which functions are scripted."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rotcheck.scan.module import Module
from rotcheck.scan.project import Place, Project
from rotcheck.scan.syntax import Function, is_constant

EXECUTOR = "torch._C._jit_set_profiling_executor"
OTHER_DEVICES = "mps, npu, hpu, meta: every device type but cpu, cuda and xpu"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a flag does when it is given one value."""

    value: bool | None  # None: any
    does: str
    devices: str
    failure: str


FLAGS = {
    EXECUTOR: Effect(
        False,
        "selects TorchScript's legacy executor for the whole process; its fuser knows only cpu, cuda and xpu, so that "
        "on another device every scripted function raises `Unknown device for graph fuser`",
        OTHER_DEVICES,
        "J1",
    ),
    "torch._C._jit_set_profiling_mode": Effect(
        False,
        "switches TorchScript's profiling, and its fusion with it, off for the whole process, every scripted function "
        "of every package included",
        "all",
        "J8",
    ),
    "torch._C._jit_override_can_fuse_on_cpu": Effect(
        True,
        "sends the CPU code of every scripted function of the process to the LLVM fuser, which official wheels do not "
        "have: the second call raises `LLVM Backend not found`",
        "cpu, with the official wheels",
        "J2",
    ),
    "torch._C._jit_override_can_fuse_on_cpu_legacy": Effect(
        True,
        "sends CPU code of the legacy executor through a fuser that crashes on the slice and concatenation of "
        "rotate_half",
        "cpu",
        "J3",
    ),
    "torch._C._jit_set_nvfuser_enabled": Effect(
        None,
        "has done nothing but warn since torch 2.2, and raises AttributeError once it is removed",
        "all",
        "J5",
    ),
}
_FLAG_WORDS = ("_jit_set_", "_jit_override_")
SCRIPTING = ("torch.jit.script", "torch.jit.script_method")
WORDS = ("torch.jit", "jit.script", "import jit")
OPTIONS = {"args", "opt", "opts", "cfg", "config", "flags", "FLAGS"}
_LIMIT = re.compile(r"version|torch_m(?:ajor|inor)|\bcuda\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Flag:
    """A call that sets a flag and leaves it set."""

    call: ast.Call
    text: str  # "torch._C._jit_set_profiling_executor(False)"
    effect: Effect
    file: str
    line: int
    setter: str  # the function that sets it; empty where importing the file does


def flags(module: Module) -> Iterator[Flag]:
    """Yield the flags that a module sets for good on every machine, in the order of its lines."""
    for call in module.calls(*FLAGS) if not module.is_test else ():
        name, text = module.name(call.func), module.text(call)
        effect = FLAGS[name]
        fits = effect.value is None or (call.args and is_constant(call.args[0], effect.value))
        if fits and not _is_confined(module, call) and not _is_restored(module, call, name):
            yield Flag(call, text, effect, module.file, call.lineno, _setter(module, call))


def _setter(module: Module, call: ast.Call) -> str:
    """The function that sets a flag; a class does so where an object of it is made."""
    function, owner = module.function(call), module.owner(call)
    if function and owner and function.name == "__init__":
        return owner.name
    return function.name if function else ""


def calls(module: Module) -> Iterator[str]:
    """Yield the last name of every function that a module calls, not of what calls itself."""
    for call in module.calls():
        name = module.name(call.func).rpartition(".")[2]
        if name and name not in module.where(call).split("."):
            yield name


def flags_that_run(project: Project) -> list[Flag]:
    """The flags of a project that are set: by importing a file,
    or by a function that the project calls."""
    all_flags = project.collect(flags, *_FLAG_WORDS)
    names = {flag.setter for flag in all_flags if flag.setter}
    callees = project.collect(calls, *names) if names else ()
    return [flag for flag in all_flags if not flag.setter or flag.setter in callees]


def _is_confined(module: Module, call: ast.Call) -> bool:
    """Whether only some versions of torch, machines with CUDA,
    or whoever asks for it reach the call."""
    return any(
        _LIMIT.search(module.text(test)) or _is_option(module, test, call)
        for test in module.guards(call)
    )


def _is_option(module: Module, test: ast.expr, call: ast.Call) -> bool:
    """Whether a condition reads an argument of the function, or a field of one:
    `args.fuser == "old"`."""
    function = module.function(call)
    arguments = module.within(function.args, ast.arg) if function else ()
    names = {argument.arg for argument in arguments}
    owners = {module.text(node.value) for node in module.within(test, ast.Attribute)}
    reads_argument = any(node.id in names for node in module.within(test, ast.Name))
    return reads_argument or not OPTIONS.isdisjoint(owners)


def _is_restored(module: Module, call: ast.Call, name: str) -> bool:
    """Whether the same function, or another of the class, sets the flag back."""
    around = module.owner(call) or module.function(call)
    calls = module.within(around, ast.Call) if around else ()
    arguments = [ast.unparse(argument) for argument in call.args]
    return any(
        module.name(other.func) == name and [*map(ast.unparse, other.args)] != arguments
        for other in calls
    )


def scripts_beside(flag: Flag, project: Project) -> list[Place]:
    """The scripted functions that can be in one process with the flag."""
    together = project.imports.together(flag.file)
    return [
        place for place in project.collect(scripted_functions, *WORDS) if place.file in together
    ]


def scripted_functions(module: Module) -> Iterator[Place]:
    """Yield the functions and classes that a module hands to TorchScript:
    by decorator or by call."""
    for definition in module.nodes(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
        assert isinstance(definition, Function | ast.ClassDef)
        if any(module.name(decorator) in SCRIPTING for decorator in definition.decorator_list):
            yield Place(module.where(definition), module.file, definition.lineno)
    for call in module.calls(*SCRIPTING):
        if call.args:
            yield Place(module.text(call.args[0]), module.file, call.lineno)
