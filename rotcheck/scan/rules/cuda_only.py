"""Rotary code that names CUDA where any device may be meant."""

import ast
import re
from collections.abc import Iterator

from rotcheck.results import Hazard
from rotcheck.scan import kernel_packages
from rotcheck.scan.module import Function, Module
from rotcheck.scan.project import Project

CODE = "cuda-only"
TITLE = "Rotary code names CUDA where any device may be meant"
WORDS = ("cuda",)
ROTARY = re.compile(r"rotary|(?<![a-z])rope(?![a-z])|freqs_cis|inv_freq|sinusoid", re.IGNORECASE)
FACTORIES = {
    f"torch.{name}"
    for name in ("arange", "tensor", "zeros", "ones", "empty", "full", "linspace", "polar")
}
AUTOCAST = {"torch.cuda.amp.autocast", "torch.autocast", "torch.amp.autocast"}
GUARD = re.compile(r"cuda|device|hip|triton|is_available|flash|gpu", re.IGNORECASE)
WITHOUT = "every machine without CUDA"


def hazards(module: Module, project: Project) -> Iterator[Hazard]:
    """Yield each default, tensor and autocast that is for CUDA alone; not where a file needs kernels of CUDA anyway."""
    if (
        module.is_test
        or not ROTARY.search(module.source)
        or any(kernel_packages.kernel_imports(module))
    ):
        return
    for function in module.nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        assert isinstance(function, Function)
        yield from _defaults(module, function)
    groups: dict[str, list[ast.Call]] = {}
    for call in module.calls():
        if _is_autocast(module, call) and not _is_guarded(module, call):
            yield _autocast(module, call)
        elif _makes(module, call) and not _is_guarded(module, call):
            groups.setdefault(module.where(call), []).append(call)
    yield from (_tensors(module, group) for group in groups.values())


def _is_guarded(module: Module, call: ast.Call) -> bool:
    return any(GUARD.search(module.text(test)) for test in module.guards(call))


def _defaults(module: Module, function: Function) -> Iterator[Hazard]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults),
        *zip(arguments.kwonlyargs, arguments.kw_defaults),
    ]
    for argument, default in pairs:
        if (
            default is not None
            and _is_cuda(module, default)
            and ROTARY.search(module.where(function))
        ):
            yield module.hazard(
                CODE,
                default,
                f"`{module.where(function)}` makes its tensors on CUDA unless told otherwise: without CUDA it raises",
                f"Let `{argument.arg}` be None by default, and take the device of the tensor or of the module.",
                devices=WITHOUT,
            )


def _is_autocast(module: Module, call: ast.Call) -> bool:
    """Whether a call switches autocast off, for CUDA alone, where rotary code has a product that it casts."""
    name = module.name(call.func)
    if name not in AUTOCAST or not _is_off(module, call, name) or not _has_product(module, call):
        return False
    function = next((a for a in module.ancestors(call) if isinstance(a, Function)), call)
    return bool(ROTARY.search(module.where(call) + ast.unparse(function)))


def _has_product(module: Module, call: ast.Call) -> bool:
    """Whether the block, or the function that is decorated, has what autocast would round: a matrix product."""
    block = next((a for a in module.ancestors(call) if isinstance(a, ast.With | Function)), call)
    names = {module.name(inner.func).rpartition(".")[2] for inner in module.within(block, ast.Call)}
    products = any(isinstance(inner.op, ast.MatMult) for inner in module.within(block, ast.BinOp))
    return products or bool(names & {"einsum", "matmul", "bmm", "mm", "tensordot", "baddbmm"})


def _autocast(module: Module, call: ast.Call) -> Hazard:
    return module.hazard(
        CODE,
        call,
        f"`{module.text(call)}` switches autocast off for CUDA alone: on another device the matrix product under "
        "it is still rounded to bfloat16 or float16",
        "Write `torch.autocast(device_type=x.device.type, enabled=False)`, of the tensor at hand.",
        devices="cpu, mps, xpu and others, under autocast",
        failure="N2",
    )


def _tensors(module: Module, calls: list[ast.Call]) -> Hazard:
    """One hazard for all tensors that a function makes on CUDA."""
    more = f", and so do {len(calls) - 1} more calls in this function" if len(calls) > 1 else ""
    return module.hazard(
        CODE,
        calls[0],
        f"`{module.text(calls[0])}` makes a tensor on CUDA whatever the device of the model is{more}: without CUDA it "
        "raises",
        "Take the device of the tensor that comes in, or of the module's parameters.",
        devices=WITHOUT,
    )


def _is_off(module: Module, call: ast.Call, name: str) -> bool:
    switch = module.argument(call, "enabled", 0 if name.startswith("torch.cuda") else 2)
    device = module.argument(call, "device_type", 0)
    fits = name.startswith("torch.cuda") or (device is not None and _is_cuda(module, device))
    return fits and isinstance(switch, ast.Constant) and switch.value is False


def _makes(module: Module, call: ast.Call) -> bool:
    """Whether a call in a rotary function makes a tensor on CUDA, or moves one there."""
    if not module.function(call) or not ROTARY.search(module.where(call)):
        return False
    if module.name(call.func) in FACTORIES:
        device = module.argument(call, "device")
        return device is not None and _is_cuda(module, device)
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "cuda"
        and not call.args
        and not call.keywords
    )


def _is_cuda(module: Module, node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and module.name(node.func) == "torch.device" and node.args:
        return _is_cuda(module, node.args[0])
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.split(":")[0] == "cuda"
    )
