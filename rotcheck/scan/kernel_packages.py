"""Packages of kernels that a machine may have or not, and where a file falls back to something else."""

import ast
from collections.abc import Iterator

from rotcheck.scan.module import Module

PACKAGES = {
    "apex", "causal_conv1d", "fla", "flash_attn", "flash_attn_2_cuda", "flash_attn_interface", "flashinfer",
    "liger_kernel", "mamba_ssm", "rotary_emb", "sageattention", "transformer_engine", "triton", "vllm_flash_attn",
    "xformers",
}  # fmt: skip
WORDS = (*sorted(PACKAGES - {"fla", "triton"}), "fla.")
BROAD = {"Exception", "BaseException"}
REPORTS = {
    "warn",
    "warning",
    "warning_once",
    "warn_once",
    "error",
    "exception",
    "info",
    "debug",
    "critical",
    "log",
}


def is_kernel(name: str) -> bool:
    """Whether a dotted name leads into one of the packages."""
    return name.partition(".")[0] in PACKAGES


def calls(module: Module, block: list[ast.stmt]) -> Iterator[ast.Call]:
    """Yield the calls of such kernels in a block; what Triton is asked about the machine is no kernel."""
    for statement in block:
        for call in module.within(statement, ast.Call):
            name = module.name(call.func)
            if is_kernel(name) and not name.startswith("triton."):
                yield call


def imports(module: Module, block: list[ast.stmt]) -> Iterator[str]:
    """Yield what a block imports from such packages; not from Triton, which torch itself looks for in this way."""
    for statement in block:
        for node in module.within(statement, ast.Import | ast.ImportFrom):  # type: ignore[arg-type]
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [a.name for a in node.names]
            )
            is_relative = isinstance(node, ast.ImportFrom) and node.level
            yield from (
                name
                for name in names
                if is_kernel(name) and not is_relative and not name.startswith("triton")
            )


def kernel_imports(module: Module) -> Iterator[str]:
    """Yield the packages without which a file cannot even be imported."""
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and not node.level and is_kernel(node.module or ""):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if is_kernel(alias.name))


def is_broad(module: Module, handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches every exception."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or module.name(kind) in BROAD for kind in kinds)


def is_heard(module: Module, handler: ast.ExceptHandler) -> bool:
    """Whether a handler raises, warns or logs, or keeps what was raised."""
    values = (node.value for node in module.within(handler, ast.Assign))
    if any(name.id == handler.name for value in values for name in module.within(value, ast.Name)):
        return True
    calls = (module.name(call.func).rpartition(".")[2] for call in module.within(handler, ast.Call))
    return any(True for _ in module.within(handler, ast.Raise)) or any(
        name in REPORTS for name in calls
    )
