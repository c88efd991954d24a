"""A function as lines of Python that load it, and the code that demonstrates something about it.

A demonstration calls the function, and ends by printing the value that came and
the one that is right.
"""

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rotcheck.identify.showing.loading_lines import loading
from rotcheck.implementations.spec import as_typed
from rotcheck.implementations.target import Target
from rotcheck.rotary.tables import has_float64

CPU = torch.device("cpu")
PRINT = ['print("came ", came.tolist())', 'print("right", right.tolist())']
UNDER_INTERPRETER = [
    "import contextlib",
    "import os",
    "",
    'os.environ["TRITON_INTERPRET"] = "1"',
    "",
    "import torch",
    "",
    "torch.cuda.device = lambda index: contextlib.nullcontext()",
]


@dataclass(frozen=True, slots=True)
class Source:
    """Lines that end with `f = ...`, or the function itself if its source is unknown."""

    lines: tuple[str, ...]
    function: Callable[..., Any] | None = None
    narrow: bool = False  # its device has no float64

    def show(
        self,
        lines: Sequence[str],
        dtype: torch.dtype = torch.float32,
        prints: Sequence[str] = PRINT,
    ) -> str | None:
        """Python that runs these lines and prints `came` and `right`, with both as comments.

        None: rounding in the dtype explains their difference, or it does not run by itself.
        """
        try:
            space = self.run([*lines, *prints])
        except Exception:  # broad: it runs the function
            return None
        came, right = space["came"], space["right"]
        off = (
            (came - right).abs().max()
            if came.is_complex()
            else (came.cpu().double() - right.cpu().double()).abs().max()
        )
        if bool(off <= 2 * torch.finfo(dtype).eps * right.abs().max()):
            return None
        ends = [f"{line}  # {_figures(value)}" for line, value in zip(prints, (came, right))]
        return self.text(self._code([*lines, *ends]))

    def _code(self, lines: Sequence[str]) -> str:
        """The lines that load `f`, and these behind them."""
        return "\n".join([*self.lines, "", *lines])

    def text(self, code: str) -> str:
        """Code that its device can run."""
        return code.replace("torch.float64", "torch.float32") if self.narrow else code

    def run(self, lines: Sequence[str]) -> dict[str, Any]:
        """Run lines that call `f`, as a file would be run, without their output;
        return their names."""
        modules, paths = dict(sys.modules), list(sys.path)
        space: dict[str, Any] = {
            "__name__": "demonstration",
            "print": lambda *_: None,
            "f": self.function,
        }
        default, state = torch.get_default_device(), torch.random.get_rng_state()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(self.text(self._code(lines)), space)
        finally:
            if (
                torch.get_default_device() != default
            ):  # None would do, but torch 2.4 cannot report it afterwards
                torch.set_default_device(default)
            torch.random.set_rng_state(state)
            sys.path[:] = paths
            for name in [name for name in modules if sys.modules.get(name) is not modules[name]]:
                sys.modules[name] = modules[name]
            own_module = getattr(space.get("module"), "__name__", "")
            if own_module not in modules:
                sys.modules.pop(own_module, None)  # the next piece reads its file anew
        return space


def source_of(target: Target, device: torch.device = CPU) -> Source:
    """The lines that load a function as `f` for a device,
    or the function if it has no name to load it by."""
    specification = target.specification
    if ":" not in specification:
        return Source(("import torch",), target.function)
    lines = loading(as_typed(specification), target.built, target.function)
    at = lines.index("import torch")
    if os.environ.get("TRITON_INTERPRET") == "1":
        lines[at : at + 1] = UNDER_INTERPRETER
    if device.type != "cpu":
        lines.insert(at + 1, f'torch.set_default_device("{device}")')
    return Source(tuple(lines), narrow=not has_float64(device.type))


def _figures(value: Tensor) -> str:
    flat = torch.view_as_real(value).flatten() if value.is_complex() else value.flatten()
    return ", ".join(f"{float(element):.5g}" for element in flat)
