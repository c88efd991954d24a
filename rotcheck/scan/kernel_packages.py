"""Packages of kernels that a machine may have or not,
and where a file falls back to something else."""

import ast
from collections.abc import Iterator

from rotcheck.scan.module import Module
from rotcheck.scan.syntax import packages

PACKAGES = {
    "apex", "causal_conv1d", "fla", "flash_attn", "flash_attn_2_cuda", "flash_attn_interface", "flashinfer",
    "liger_kernel", "mamba_ssm", "rotary_emb", "sageattention", "transformer_engine", "triton", "vllm_flash_attn",
    "xformers",
}  # fmt: skip
WORDS = (*sorted(PACKAGES - {"fla", "triton"}), "fla.")
BROAD = {"Exception", "BaseException"}
IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError"}
REPORTS = {
    "warn", "warning", "warning_once", "warn_once", "error", "exception", "info", "debug", "critical", "log",
}  # fmt: skip


def is_kernel(name: str) -> bool:
    """Whether a dotted name leads into one of the packages."""
    return name.partition(".")[0] in PACKAGES


def calls(module: Module, block: list[ast.stmt]) -> Iterator[ast.Call]:
    """Yield the calls of such kernels in a block;
    what Triton is asked about the machine is no kernel."""
    for statement in block:
        for call in module.within(statement, ast.Call):
            name = module.name(call.func)
            if is_kernel(name) and not name.startswith("triton."):
                yield call


def imports(module: Module, block: list[ast.stmt]) -> Iterator[str]:
    """Yield what a block imports from such packages;
    not from Triton, which torch itself looks for in this way."""
    for statement in block:
        for node in module.within(statement, ast.AST):
            for name in packages(node):
                if is_kernel(name) and not name.startswith("triton"):
                    yield name


def kernel_imports(module: Module) -> Iterator[str]:
    """Yield the packages without which a file cannot even be imported."""
    yield from (name for node in module.tree.body for name in packages(node) if is_kernel(name))


def exceptions(module: Module, handler: ast.ExceptHandler) -> set[str]:
    """The dotted names of what a handler catches; `BaseException` for a bare `except:`."""
    if handler.type is None:
        return {"BaseException"}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {module.name(kind) for kind in kinds}


def is_broad(module: Module, handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches every exception."""
    return not BROAD.isdisjoint(exceptions(module, handler))


def is_heard(module: Module, handler: ast.ExceptHandler) -> bool:
    """Whether a handler raises, warns or logs, or keeps what was raised."""
    values = (node.value for node in module.within(handler, ast.Assign))
    if any(name.id == handler.name for value in values for name in module.within(value, ast.Name)):
        return True
    calls = (module.name(call.func).rpartition(".")[2] for call in module.within(handler, ast.Call))
    return not REPORTS.isdisjoint(calls) or any(module.within(handler, ast.Raise))
