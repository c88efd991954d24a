"""Other people's packages: found, imported when they are asked for,
held to the signature that rotcheck calls."""

import importlib
import importlib.machinery
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.triton_interpreter import interpret

FOR_NUMPY = "it computes outside of torch: tensors go there and come back as NumPy arrays"


class SignatureChanged(Exception):
    """The installed version is not as rotcheck calls it;
    the message says what it has and what is called."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that others publish."""

    name: str  # for pip
    module: str  # for Python
    version_written_for: str  # the version that rotcheck was written for
    install: str = ""  # what pip is given; empty: the name

    def module_named(self, name: str, *, alone: bool = False) -> ModuleType:
        """The module of that name; `alone`, without running the `__init__` files of its parents.

        Raises `Unavailable` when the package is not installed or is older than the known version
        and has no such module, `SignatureChanged` when a newer one has none, and what importing it
        raises.
        """
        self.check_installed()
        try:
            with _without_parents(name) if alone else nullcontext():
                return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and f"{name}.".startswith(f"{error.name}."):
                if self._is_older():
                    raise Unavailable(
                        f"{self.name} {self.version} has no {name} yet, and {self.version_written_for} has it "
                        f"(`pip install --upgrade {self._pip_name}`)"
                    ) from error
                raise self._signature_changed(
                    f"there is no module {error.name}, and rotcheck calls {name}"
                ) from error
            raise

    def function(self, path: str, *parameters: str, alone: bool = False) -> Callable[..., Any]:
        """Return `package.module:function`, held to the parameters that rotcheck calls it with,
        in their order.

        Those with `=` behind them are passed by keyword; the installed version may have more that
        have defaults. `alone`: as `module_named` has it, whose errors pass through. Raises
        `SignatureChanged` for other parameters.
        """
        module, _, name = path.partition(":")
        function: Any = self.module_named(module, alone=alone)
        for part in name.split("."):
            function = getattr(function, part, None)
        call = f"rotcheck calls it with ({', '.join(name.rstrip('=') for name in parameters)})"
        if not callable(function):
            raise self._signature_changed(f"there is no {path}, and {call}")
        signature = _signature(function)
        if signature is not None and not _fits(signature, parameters):
            texts = (str(parameter) for parameter in signature.parameters.values())
            has = ", ".join(re.split("[:=]", text)[0].strip() for text in texts)
            raise self._signature_changed(f"{name} takes ({has}), and {call}")
        return function  # type: ignore[no-any-return]  # callable, as was asked

    def check_installed(self) -> None:
        """Raise `Unavailable` when it is not installed."""
        module_spec = importlib.util.find_spec(self.module)
        # a mere folder of that name
        if module_spec is None or (module_spec.origin is None and self.version is None):
            raise Unavailable(f"{self.name} is not installed (`pip install {self._pip_name}`)")

    @property
    def _pip_name(self) -> str:
        return self.install or self.name

    @property
    def version(self) -> str | None:
        """The version that is installed, as far as pip knows it."""
        from importlib import metadata  # here: it takes longer to import than the whole front

        try:
            return metadata.version(self.name)
        except metadata.PackageNotFoundError:
            return None

    def _is_older(self) -> bool:
        """Whether what is installed is older than the known version, as far as both are numbers."""
        here, known = _release(self.version or ""), _release(self.version_written_for)
        return bool(here and known) and here < known

    def _signature_changed(self, difference: str) -> SignatureChanged:
        version = self.version or "of no known version"
        return SignatureChanged(
            f"{self.name} {version}: {difference}, as in {self.version_written_for}"
        )


def _release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version; a commit has none."""
    match = re.match(r"\d+(\.\d+)+", version)
    return tuple(map(int, match[0].split("."))) if match else ()


def for_triton(device: str) -> None:
    """Prepare the process for a Triton kernel on the device;
    raises `Unavailable` where none runs."""
    if device == "interpreter":
        interpret()
    elif not device.startswith("cuda"):
        raise Unavailable(
            "its rotary is a Triton kernel for CUDA and HIP devices; "
            "`--device interpreter` runs it on CPU tensors as a stand-in"
        )


def for_cuda(device: str) -> None:
    """Raise `Unavailable` on any other device than CUDA and HIP ones."""
    if not device.startswith("cuda"):
        raise Unavailable("its rotary is a kernel for CUDA and HIP devices")


def for_cpu(device: str) -> None:
    """Raise `Unavailable` on any other device than the CPU."""
    if device != "cpu":
        raise Unavailable("rotcheck runs it on the CPU only: it computes outside of torch")


def _signature(function: Any) -> inspect.Signature | None:
    """The signature of a function, a class or a module's forward; None where it does not tell."""
    plain = function if inspect.isclass(function) else getattr(function, "forward", function)
    try:
        return inspect.signature(plain)
    except (TypeError, ValueError):  # compiled ones do not say
        return None


def _fits(signature: inspect.Signature, names: Sequence[str]) -> bool:
    """Whether a function can be called with arguments of these names, each meaning the same."""
    by_place = [name for name in names if not name.endswith("=")]
    by_name = {name: name for name in (name.rstrip("=") for name in names if name not in by_place)}
    try:
        binding = signature.bind(*by_place, **by_name)
    except TypeError:
        return False
    # what `*args` and `**kwargs` take is a tuple, or a dictionary
    pairs = ((name, value) for name, value in binding.arguments.items() if isinstance(value, str))
    return all(name == value for name, value in pairs)


@contextmanager
def _without_parents(name: str) -> Iterator[None]:
    """Have empty packages stand for the parents of a module while it is imported,
    so that it comes alone."""
    placed: list[str] = []
    path = None
    try:
        for parent in _parents(name):
            if parent not in sys.modules:
                # runs nothing of the package
                parent_spec = importlib.machinery.PathFinder.find_spec(parent, path)
                if parent_spec is None or parent_spec.submodule_search_locations is None:
                    raise ModuleNotFoundError(f"No module named {parent!r}", name=parent)
                empty = ModuleType(parent)
                empty.__path__ = list(parent_spec.submodule_search_locations)
                empty.__spec__ = parent_spec
                sys.modules[parent] = empty
                placed.append(parent)
            path = sys.modules[parent].__path__
        yield
    finally:
        for parent in placed:  # the package itself can be imported later on
            sys.modules.pop(parent, None)


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]
