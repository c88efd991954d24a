"""What TorchScript's flags do to the whole process, where a file sets them, and which functions are scripted."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rotcheck.scan.module import Function, Module
from rotcheck.scan.project import Place

EXECUTOR = "torch._C._jit_set_profiling_executor"
OTHERS = "mps, npu, hpu, meta: every device type but cpu, cuda and xpu"


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
        OTHERS,
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
SCRIPTING = ("torch.jit.script", "torch.jit.script_method")
WORDS = ("torch.jit", "jit.script", "import jit")
_VERSION = re.compile(r"version|torch_m(?:ajor|inor)", re.IGNORECASE)
_CUDA = re.compile(r"\bcuda\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Flag:
    """A call that sets a flag and leaves it set."""

    call: ast.Call
    text: str  # "torch._C._jit_set_profiling_executor(False)"
    effect: Effect
    file: str
    line: int


def flags(module: Module) -> Iterator[Flag]:
    """Yield the flags that a module sets for good on every machine, in the order of its lines."""
    for call in module.calls(*FLAGS):
        name, effect = module.name(call.func), FLAGS[module.name(call.func)]
        value = call.args[0] if call.args else None
        constant = value.value if isinstance(value, ast.Constant) else None
        fits = effect.value is None or constant is effect.value
        if fits and not _is_confined(module, call) and not _is_restored(module, call, name):
            yield Flag(call, module.text(call), effect, module.file, call.lineno)


def _is_confined(module: Module, call: ast.Call) -> bool:
    """Return whether only some versions of torch, or only machines with CUDA, reach the call."""
    texts = [module.text(test) for test in module.guards(call)]
    return any(_VERSION.search(text) or _CUDA.search(text) for text in texts)


def _is_restored(module: Module, call: ast.Call, name: str) -> bool:
    """Return whether the same function, or another of the class, sets the flag back."""
    around = module.owner(call) or module.function(call)
    others = module.within(around, ast.Call) if around else []
    return any(
        other is not call and module.name(other.func) == name and not _same(other, call) for other in others
    )


def _same(one: ast.Call, other: ast.Call) -> bool:
    return [ast.dump(a) for a in one.args] == [ast.dump(a) for a in other.args]


def scripted(module: Module) -> Iterator[Place]:
    """Yield the functions and classes that a module hands to TorchScript: by decorator or by call."""
    for definition in module.nodes(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
        assert isinstance(definition, Function | ast.ClassDef)
        if any(module.name(decorator) in SCRIPTING for decorator in definition.decorator_list):
            yield Place(module.where(definition), module.file, definition.lineno)
    for call in module.calls(*SCRIPTING):
        if call.args:
            yield Place(module.text(call.args[0]), module.file, call.lineno)
