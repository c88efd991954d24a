"""Sees torch being imported, and the imports of kernels that fail."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

from rotcheck.rotary_names import NAME
from rotcheck.watch.inside.callers import is_of_program, is_torch, program_lines
from rotcheck.watch.inside.record_file import RecordFile

KERNELS = {
    "apex", "flash_attn", "flash_attn_2_cuda", "flash_attn_3_cuda", "flash_attn_interface", "fused_rotary",
    "kernels", "liger_kernel", "rotary_emb", "sgl_kernel", "sageattention", "transformer_engine", "triton",
    "unsloth", "vllm", "xformers",
}  # fmt: skip
"""Packages whose kernels a model falls back from; top-level names."""

_LOOK_UP = (
    "<frozen importlib.util>",
    os.path.join(os.path.dirname(os.__file__), "importlib", "util.py"),
)


class ImportWatch:
    """A finder that finds nothing itself:
    it lets the others find, and looks at what comes of it."""

    def __init__(self, record: RecordFile, know_torch: Callable[[Any], None]) -> None:
        self._record, self._know_torch = record, know_torch
        self._busy: set[str] = set()
        self._last: tuple[str, BaseException | None] = "", None

    def begin(self) -> None:
        """Stand before the other finders."""
        if "torch" in sys.modules:
            self._know_torch(sys.modules["torch"])
        sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the other finders find, where the module is one to look at."""
        if name in self._busy or not (name == "torch" or _is_kernel(name)):
            return None
        self._busy.add(name)
        try:
            spec = self._search(name, path, target)
        finally:
            self._busy.discard(name)
        if spec is not None and spec.loader is not None:
            self._look_at(name, spec.loader)
        elif spec is None and not _is_look_up(sys._getframe(1)):
            self._note(name, f"ModuleNotFoundError: No module named {name!r}", "")
            self._last = name, None
        return spec

    def _search(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is not self and find is not None:
                spec: ModuleSpec | None = find(name, path, target)
                if spec is not None:
                    return spec
        return None

    def _look_at(self, name: str, loader: Any) -> None:
        """Have the loader tell what comes of its next module;
        it is the same loader, and afterwards as it was."""

        def noting(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def load(argument: Any) -> Any:
                try:
                    value = method(argument)
                except BaseException as error:
                    failed_module, last = self._last
                    is_same = error is last or (
                        last is None and getattr(error, "name", "") == failed_module
                    )
                    self._note(
                        name, f"{type(error).__name__}: {error}", failed_module if is_same else ""
                    )
                    self._last = name, error
                    raise
                if method.__name__ == "exec_module":
                    _restore(loader)
                    self._follow(name, argument)
                return value

            return load

        try:
            for method in ("create_module", "exec_module"):
                setattr(loader, method, noting(getattr(loader, method)))
        except AttributeError:  # a loader that keeps no attributes: nothing is told of its modules
            return

    def _follow(self, name: str, module: ModuleType) -> None:
        if name == "torch":
            self._know_torch(module)

    def _note(self, name: str, error: str, below: str) -> None:
        """Tell of a module that failed because the module `below` it did, where it is not empty."""
        frame = sys._getframe(1)
        if is_of_program(frame) and not _is_from_torch(frame):
            where = program_lines(frame)
            self._record.write("failed import", module=name, error=error, below=below, where=where)


def _restore(loader: Any) -> None:
    for method in ("create_module", "exec_module"):
        vars(loader).pop(method, None)


def _is_kernel(name: str) -> bool:
    """Whether a module belongs to a package of kernels, or is rotary code by its name."""
    if name.partition(".")[0] in KERNELS:
        return "." not in name or _names_rotary(name)
    return _names_rotary(name)


def _names_rotary(name: str) -> bool:
    if "rotary" not in name and "rope" not in name:  # most imports: no expression is needed
        return False
    import re

    return bool(re.search(NAME, name.lower()))


def _is_look_up(frame: FrameType | None) -> bool:
    """Whether somebody only asks where a module is: `importlib.util.find_spec`."""
    while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib._"):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename in _LOOK_UP


def _is_from_torch(frame: FrameType | None) -> bool:
    """Whether it is torch that imports: what it does without is its own business."""
    while frame is not None:
        file = frame.f_code.co_filename
        if is_torch(file):
            return True
        if not file.startswith("<frozen importlib") and file != __file__:
            return False
        frame = frame.f_back
    return False
