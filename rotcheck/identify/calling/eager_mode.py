"""Has what torch.compile makes run uncompiled:
a search calls it in many shapes, each of which would compile anew."""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import torch

DYNAMO = "torch._dynamo"


def run_eagerly() -> None:
    """Set this process so, at once or when somebody imports torch's compiler.

    Importing it takes a second, and few functions do. torch before 2.6 cannot be set so,
    and compiles.
    """
    if not hasattr(torch.compiler, "set_stance"):
        return
    if DYNAMO in sys.modules:
        torch.compiler.set_stance("force_eager")
    elif not any(isinstance(finder, _CompilerFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _CompilerFinder())


class _CompilerFinder(MetaPathFinder):
    """Finds the compiler as everybody else does, once, and sets it when it has been imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != DYNAMO:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_and_set(module: ModuleType) -> None:
                execute(module)
                module.set_stance("force_eager")

            spec.loader.exec_module = execute_and_set  # type: ignore[method-assign]
        return spec
