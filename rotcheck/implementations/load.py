"""Inside a worker: from an implementation's name to its module, or to a given function in SEDD's form."""

import difflib
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import msgspec
import torch

from rotcheck.convention import LAYOUTS, Convention
from rotcheck.convention.vocabulary import DEVICE, said
from rotcheck.declaration import DECLARED
from rotcheck.errors import RequestError
from rotcheck.implementations import (
    absent,
    construct,
    foreign,
    importing,
    interpreter,
    package,
    registry,
    source,
    uses,
)
from rotcheck.implementations.interface import Function, Implementation, Unavailable
from rotcheck.implementations.registry import module_of

SEDD = Convention(pairing="half", layout="qkv", tables="packed")
"""What a function given by file or module is taken to be: f(qkv, cos, sin), as in SEDD."""


class NoImplementation(Exception):
    """What an installed package registers is no implementation; the message names the entry."""


Found = Convention | Callable[[Function], Convention | None] | None
"""What is known of a given function beside what it declares."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a specification names, ready to be called."""

    function: Function
    convention: Convention | None  # that it declares or is registered with
    built: str | None = None  # how an object was made of a class or by a factory
    by_file: bool = False  # it was built as its own file builds it
    anew: Callable[[], Function] | None = None  # loads it once more, for the CPU
    # builds it with its default dtype, where that is narrow
    narrow: Callable[[], "Target"] | None = None
    specification: str = ""  # that names it


def implementation(
    specification: str, convention: Found = None, device: str = "cpu"
) -> Implementation:
    """Return the implementation that a registered name, `module:function` or `file.py:function` names.

    `convention`: what a given function was found to follow, or what tells it of the function; None: what it
    declares, or SEDD's. `device`: what a class that must be told one is built for. Raises
    `RequestError` when there is no such module or function. What the module raises while it is
    imported passes through: that is a finding about it.
    """
    if module_of(specification):
        return _registered(specification)
    found = given(specification, device)
    own = (
        convention(found.function) if callable(convention) and not found.convention else convention
    )
    return as_implementation(
        found.function, found.convention or cast(Convention | None, own) or SEDD, move=True
    )


def as_implementation(
    function: Function, convention: Convention, *, move: bool = False
) -> Implementation:
    """Return a function as an implementation; `move`: a module is moved to the device that it is loaded for."""

    def load(device: str) -> Function:
        return on_device(function, device) if move else function

    library = foreign.library_of(function)
    if library is None:

        def distorted(device: str, dtype: str) -> str | None:
            return interpreter.distorted(function, dtype)

        return cast(
            Implementation, SimpleNamespace(convention=convention, load=load, skip=distorted)
        )

    def skip(device: str, dtype: str) -> str | None:
        return f"{library.name} computes in float32 at most" if dtype == "float64" else None

    outside = {"no_gradient": package.FOR_NUMPY, "no_trace": package.FOR_NUMPY}
    return cast(
        Implementation, SimpleNamespace(convention=convention, load=load, skip=skip, **outside)
    )


def find(specification: str, device: str) -> Target:
    """Return what a registered name, `module:function` or `file.py:function` names, ready for the device.

    Raises as `implementation` does, and `Unavailable`.
    """
    if module_of(specification):
        module = _registered(specification)
        own = partial(module.load, "cpu")
        return Target(module.load(device), module.convention, anew=own, specification=specification)
    found = given(specification, device)
    return replace(
        found,
        function=on_device(found.function, device),
        anew=lambda: given(specification).function,
        specification=specification,
    )


def on_cpu(target: Target) -> Function:
    """Return a function that is on a device for the CPU, apart from the one there: loaded anew, else a copy.

    Raises as `find` does.
    """
    fresh = target.anew() if target.anew else target.function
    return on_device(construct.copied(fresh), "cpu")


def given(specification: str, device: str = "cpu") -> Target:
    """Return what `module:function`, `file.py:function` or a name of the project's pyproject.toml names.

    A class is built, a factory called; a static or class method needs no object. What computes in JAX or MLX is called
    with tensors all the same. Raises `RequestError` from `construct.Unbuildable` for a class that cannot be built, and
    `Unavailable` where JAX or MLX is not installed.
    """
    if ":" not in specification:
        return _standing_for(specification, device)
    found = _as_it_is(specification, device)
    function, narrow = foreign.adapted(found.function), _narrow(specification, found)
    if narrow is not None:  # in a model of bfloat16 it is built for bfloat16
        function = foreign.by_dtype(function, narrow().function)
    return replace(found, function=function, narrow=narrow)


def _module(target: str, name: str) -> ModuleType:
    """Import a module or a file; raises `Unavailable` for one of JAX or MLX where that is not installed."""
    try:
        return importing.module(target, name)
    except ModuleNotFoundError as error:
        reason = foreign.absent(error)
        if reason is None:
            raise
        raise Unavailable(reason) from error


def _narrow(specification: str, found: Target) -> Callable[[], Target] | None:
    """Return what builds a class of JAX with its default dtype, where it was built with a wider one."""
    if foreign.WIDE not in (found.built or ""):
        return None

    def built() -> Target:
        plain = _as_it_is(specification, "cpu", wide=False)
        return replace(plain, function=foreign.adapted(plain.function), specification=specification)

    return built


def _as_it_is(specification: str, device: str, *, wide: bool = True) -> Target:
    """Return what is named, of whichever library it is; `wide`: a class of JAX is built in float32."""
    target, _, name = specification.rpartition(":")
    module = _module(target, name)
    owner, _, method = name.rpartition(".")
    if owner and _needs_object(getattr(module, owner, None), method):
        built = _as_it_is(f"{target}:{owner}", device, wide=wide)
        bound = _function(cast(ModuleType, built.function), method, specification)
        return Target(bound, declared(bound), built.built, built.by_file)
    function = _function(module, name, specification)
    own = declared(function)
    if construct.needs_construction(function):
        try:
            given = foreign.wide(function) if wide else {}
            built, words, by_file = constructed(function, module, _place(device), **given)
        except construct.Unbuildable as error:
            raise RequestError(f"{specification.rpartition('/')[2]!r}: {error}") from error
        return Target(_callable(built), own or declared(built), words, by_file)
    if own is None and construct.is_factory(function):
        built = cast(Any, function)()
        if callable(built):
            return Target(built, declared(built), f"{name}()")
    return Target(function, own)


def constructed(
    found: Callable[..., Any], module: ModuleType, device: str = "cpu", **dtype: str
) -> tuple[Any, str, bool]:
    """Return an object of a class, how it was made, and whether its own file makes it so.

    Else it is built with what its parameters' names ask for; and where that fails, as its file builds it with a
    configuration of its package. `dtype`: what it is given in any case.

    Raises as `construct.construct` does.
    """
    name = getattr(found, "__name__", "")
    in_file = getattr(found, "__module__", "") == module.__name__
    built = _as_built(found, uses.uses(module, name) if in_file else [], device, dtype)
    if built is not None:
        return *built, True
    try:
        return *construct.construct(found, device=device, **dtype), False
    except Exception:
        built = _as_built(
            found, uses.uses(module, name, of_package=True) if in_file else [], device, dtype
        )
        if built is None:
            raise
        return *built, True


def _as_built(
    found: Callable[..., Any], known: Sequence[uses.Use], device: str, dtype: Mapping[str, str]
) -> tuple[Any, str] | None:
    """Return an object of a class as the first of these calls that succeeds builds it, and how that was."""
    for use in known:
        given = {key: value for key, value in use.given.items() if not said(key, DEVICE)}
        try:
            built, words = construct.construct(found, device=device, **{**given, **dtype})
        except Exception:  # that call takes more than its arguments
            continue
        others = ", ".join(str(other.line) for other in known if other is not use)
        more = f"; line {others} with other values" if others else ""
        return built, f"{words}, as line {use.line} builds it{more}"
    return None


def _callable(built: Any) -> Any:
    """Return an object, or its `forward` where it cannot be called itself: something else calls that, then."""
    return built if callable(built) else getattr(built, "forward", built)


def why_unbuilt(error: RequestError) -> str:
    """Return why no object of a class could be made; raises the error again where it is about something else."""
    if not isinstance(error.__cause__, construct.Unbuildable):
        raise error
    return str(error.__cause__)


def _needs_object(owner: Any, method: str) -> bool:
    """Return whether it is a class and the method none that can be called without an object of it."""
    free = isinstance(inspect.getattr_static(owner, method, None), staticmethod | classmethod)
    return construct.needs_construction(owner) and not free


def _registered(name: str) -> Implementation:
    """Import the module of a registered name; raises `NoImplementation` where another package's is none."""
    module = importlib.import_module(module_of(name) or name)
    lacking = [part for part in ("convention", "load") if not hasattr(module, part)]
    if lacking:
        raise NoImplementation(
            f"the entry point {name!r} names the module {module.__name__}, which has no `{lacking[0]}`; "
            "name package.module:function for a function, or see docs/add-an-implementation.md"
        )
    return cast(Implementation, module)


def registered(specification: str) -> Convention | None:
    """Return the convention that an implementation is registered with, whether it can run here or not."""
    return _registered(specification).convention if module_of(specification) else None


def _standing_for(name: str, device: str) -> Target:
    """Return what a name stands for, in the project's pyproject.toml or by an installed package's entry point."""
    entry = registry.of_project().get(name)
    if entry is None:
        return _of_package(name, device)
    sys.path.append(str(entry.folder))
    found = given(entry.function, device)
    if not entry.convention:
        return found
    return replace(found, convention=convention_of(entry.convention, entry.where))


def _of_package(name: str, device: str) -> Target:
    """Return the function of an entry point. A package's mistake there is a finding about it, not about the request."""
    target = registry.of_packages().get(name)
    if target is None:
        raise RequestError(f"unknown implementation {name!r}")
    try:
        return given(target, device)
    except RequestError as error:
        raise NoImplementation(f"the entry point {name!r}: {error}") from error


def named(specification: str) -> Function:
    """Return what `module:function` or `file.py:function` names as it is: nothing is built or called.

    Raises as `implementation` does.
    """
    target, _, name = specification.rpartition(":")
    return _function(_module(target, name), name, specification)


def on_device(function: Function, device: str) -> Function:
    """Move a module, or that of a method, to the device; the interpreter stand-in runs on CPU tensors.

    Raises `Unavailable` for a function of another library than torch on any other device than the CPU.
    """
    foreign.refuse_elsewhere(function, device)
    owner = getattr(function, "__self__", function)
    if isinstance(owner, torch.nn.Module) and device != "interpreter":
        owner.to(device)
    return function


def _place(device: str) -> str:
    """Return where tensors are made for a device: those of the stand-ins on the CPU, from which meta's are moved."""
    return "cpu" if device in ("meta", "interpreter") else device


def declared(function: Function) -> Convention | None:
    """Return the convention that a function declares by `rotcheck.declare`, or None.

    Raises `RequestError` for a word that no convention has.
    """
    words = getattr(function, DECLARED, None)
    return None if words is None else convention_of(words, "what it declares")


def convention_of(words: Mapping[str, Any], whose: str) -> Convention:
    """Return the convention of these fields; raises `RequestError`, which says whose they are."""
    known = {field.name for field in fields(Convention)}
    unknown = [word for word in words if word not in known]
    if unknown:
        raise RequestError(
            f"{whose}: unknown {unknown[0]!r}; a convention has {', '.join(sorted(known))}"
        )
    try:
        found = msgspec.convert(
            {"pairing": "half", "layout": "bshd", "tables": "repeated", **words}, Convention
        )
    except msgspec.ValidationError as error:
        raise RequestError(f"{whose}: {error}") from error
    if found.layout not in LAYOUTS:
        raise RequestError(
            f"{whose}: unknown layout {found.layout!r}; known are {', '.join(LAYOUTS)}"
        )
    return found


def _function(module: ModuleType, name: str, specification: str) -> Function:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if isinstance(found, absent.Placeholder):
        found.refuse()
    if callable(found):
        return cast(Function, found)
    line = _conditional(module, name) if found is None else None
    if line is not None:
        raise Unavailable(f"line {line} defines it under a condition that does not hold here")
    callables = [
        key for key, value in vars(module).items() if callable(value) and not key.startswith("_")
    ]
    near = difflib.get_close_matches(name, callables, 1, 0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(callables[:10]) or 'none'}"
    what = (
        f"{name!r} there is no function" if found is not None else f"there is no function {name!r}"
    )
    raise RequestError(f"{specification.rpartition('/')[2]!r}: {what}; {hint}")


def _conditional(module: ModuleType, name: str) -> int | None:
    """Return the line on which a module's file defines what the module does not have: inside an `if` or a `try`."""
    file = getattr(module, "__file__", None)
    return (
        source.lines(registry.tree(Path(file))).get(name) if file and file.endswith(".py") else None
    )
