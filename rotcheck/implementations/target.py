"""A SPEC resolved, whoever asks: from a registered name,
a module's or a file's function to what can be called."""

import importlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch

from rotcheck.convention import Convention
from rotcheck.errors import RequestError
from rotcheck.implementations import array_libraries, instances, named_object, registry
from rotcheck.implementations.declarations import convention_of, declared_convention
from rotcheck.implementations.interface import Function, Implementation
from rotcheck.implementations.libraries.library_table import LIBRARIES
from rotcheck.implementations.registry import is_registered, module_of
from rotcheck.implementations.third_party import FOR_NUMPY
from rotcheck.implementations.triton_interpreter import dtype_distortion, tune_nothing


class NoImplementation(Exception):
    """What an installed package registers is no implementation; the message names the entry."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a SPEC names, loaded for a device."""

    function: Function
    # that it is registered with or declares, else what `resolve` was told; None: nobody knows yet
    convention: Convention | None = None
    specification: str = ""  # that names it; empty: an object at hand
    built: str | None = None  # how an object was made of a class or by a factory
    by_file: bool = False  # it was built as its own file builds it
    load_seconds: float = 0.0  # of loading it for the device, without importing it
    anew: Callable[[], Function] | None = None  # loads it once more, for the CPU
    # builds it with its default dtype, where that is narrow
    narrow: Callable[[], "Target"] | None = None
    implementation: Implementation | None = None  # that is registered

    @property
    def owner(self) -> Any:
        """The module or other object whose state the function uses; None: a plain function."""
        if isinstance(self.function, torch.nn.Module):
            return self.function
        bearer = getattr(self.function, "__self__", None)
        if hasattr(bearer, "__dict__") and not isinstance(bearer, type):
            return bearer
        return None if hasattr(self.function, "__code__") else self.function

    def on_cpu(self, device: torch.device) -> Function | None:
        """The function for the CPU, of one that is called on another device:
        loaded anew, else a copy.

        None: it is called on the CPU, or cannot be.
        """
        if device.type == "cpu":
            return None
        try:
            fresh = self.anew() if self.anew else self.function
            return on_device(instances.copy_of(fresh), "cpu")
        except Exception:  # a kernel for one kind of device, say; building it may raise anything
            return None

    def path(self) -> tuple[str | None, str | None]:
        """What really ran at the last call and why, where the implementation tells."""
        tell = getattr(self.implementation, "path", None)
        return tell() if tell else (None, None)

    def skip(self, device: str, dtype: str) -> str | None:
        """Why a dtype is not asked of it on a device; None: it is."""
        if self.implementation is not None:
            reason = getattr(self.implementation, "skip", None)
            return reason(device, dtype) if reason else None
        if library := array_libraries.library_of(self.function):
            return f"{library.name} computes in float32 at most" if dtype == "float64" else None
        return dtype_distortion(self.function, dtype)

    @property
    def no_gradient(self) -> str | None:
        """Why it has no gradient by design."""
        return self._outside_of_torch or getattr(self.implementation, "no_gradient", None)

    @property
    def no_trace(self) -> str | None:
        """Why nothing that traces can look into it, by design."""
        return self._outside_of_torch or getattr(self.implementation, "no_trace", None)

    @property
    def switches(self) -> tuple[str, ...]:
        """The process-wide switches that it changes by design."""
        return getattr(self.implementation, "switches", ())

    @property
    def _outside_of_torch(self) -> str | None:
        if self.implementation is None and array_libraries.library_of(self.function):
            return FOR_NUMPY
        return None


def resolve(
    specification: str, device: str = "cpu", convention: Convention | None = None
) -> Target:
    """Resolve a SPEC: a registered name, `package.module:function` or `path/to/file.py:function`.

    A class is built, a factory called; a static or class method needs no object. What computes in
    JAX or MLX is called with tensors all the same.

    Args:
        specification: The SPEC.
        device: What it is loaded for: "cpu", "cuda:0", "meta", "interpreter".
        convention: What it was found to follow, for a function that declares nothing itself.

    Raises:
        RequestError: There is no such module or function, or no object can be made of the class
            (then it is a `named_object.NotBuilt`).
        Unavailable: It is not on this machine, or not for this device.
        Exception: Whatever the module raises while it is imported: that is a finding about it.
    """
    if is_registered(specification):
        return _resolve_name(specification, device)
    target = _resolve_path(specification, device)
    if device == "interpreter":
        tune_nothing()
    start = time.perf_counter()
    function = on_device(target.function, device)
    return replace(
        target,
        function=function,
        convention=target.convention or convention,
        specification=specification,
        load_seconds=time.perf_counter() - start,
        anew=lambda: _resolve_path(specification, "cpu").function,
    )


def registered_convention(specification: str) -> Convention | None:
    """The convention that a name is registered with, whether it can run here or not."""
    return implementation_of(specification).convention if is_registered(specification) else None


def _resolve_name(name: str, device: str) -> Target:
    implementation = implementation_of(name)
    start = time.perf_counter()
    function = implementation.load(device)
    return Target(
        function,
        implementation.convention,
        name,
        load_seconds=time.perf_counter() - start,
        anew=lambda: implementation.load("cpu"),
        implementation=implementation,
    )


def implementation_of(name: str) -> Implementation:
    """The module or library's entry of a registered name, imported and not loaded for any device.

    Raises `NoImplementation` where another package's module is none.
    """
    if name in LIBRARIES:
        return LIBRARIES[name]
    module = importlib.import_module(module_of(name) or name)
    lacking = [part for part in ("convention", "load") if not hasattr(module, part)]
    if lacking:
        raise NoImplementation(
            f"the entry point {name!r} names the module {module.__name__}, which has no `{lacking[0]}`; "
            "name package.module:function for a function, or see docs/add-an-implementation.md"
        )
    return cast(Implementation, module)


def _resolve_path(specification: str, device: str) -> Target:
    """What `module:function`, `file.py:function` or a name that stands for one of these is,
    not yet moved."""
    if ":" not in specification:
        return _alias(specification, device)
    target = _of_object(named_object.load(specification, device))
    if array_libraries.WIDE not in (target.built or ""):
        return target

    def narrow() -> Target:
        instance = named_object.load(specification, "cpu", wide=False)
        return replace(_of_object(instance), specification=specification)

    # in a model of bfloat16 it is built for bfloat16
    function = array_libraries.by_dtype(target.function, narrow().function)
    return replace(target, function=function, narrow=narrow)


def _of_object(named: named_object.NamedObject) -> Target:
    function = array_libraries.adapt(named.function)
    return Target(function, named.convention, built=named.built, by_file=named.by_file)


def _alias(name: str, device: str) -> Target:
    """The function that a name of the project's pyproject.toml or of
    an installed package stands for."""
    entry = registry.of_project().get(name)
    if entry is None:
        return _of_package(name, device)
    sys.path.append(str(entry.folder))
    target = _resolve_path(entry.function, device)
    if not entry.convention:
        return target
    return replace(target, convention=convention_of(entry.convention, entry.where))


def _of_package(name: str, device: str) -> Target:
    """The function of an entry point.

    A package's mistake there is a finding about it, not about the request.
    """
    specification = registry.of_packages().get(name)
    if specification is None:
        raise RequestError(f"unknown implementation {name!r}")
    try:
        return _resolve_path(specification, device)
    except RequestError as error:
        raise NoImplementation(f"the entry point {name!r}: {error}") from error


def on_device(function: Function, device: str) -> Function:
    """Move a module, or that of a method, to the device;
    the interpreter stand-in runs on CPU tensors.

    Raises `Unavailable` for a function of another library than torch
    on any other device than the CPU.
    """
    array_libraries.refuse_elsewhere(function, device)
    owner: Any = getattr(function, "__self__", function)
    if isinstance(owner, torch.nn.Module) and device != "interpreter":
        owner.to(device)
    return function


def at_hand(function: Function) -> Target:
    """A function or an object that somebody hands over, with what it declares."""
    return Target(function, declared_convention(function))
