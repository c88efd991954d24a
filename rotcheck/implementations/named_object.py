"""Inside a worker: from `module:name` or `file.py:name` to the function or the object
that stands under that name."""

import difflib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from rotcheck.convention import Convention
from rotcheck.errors import RequestError
from rotcheck.implementations import (
    array_libraries,
    instances,
    module_import,
    placeholders,
    rotary_code,
    spec,
)
from rotcheck.implementations.declarations import declared_convention
from rotcheck.implementations.interface import Function, Unavailable

MOST_NAMES = 10  # of a module that a message lists


class NotBuilt(RequestError):
    """No object can be made of the class that a SPEC names; `reason` says why, without the SPEC."""

    def __init__(self, specification: str, reason: str) -> None:
        super().__init__(f"{_without_folders(specification)}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class NamedObject:
    """What stands under a name, ready to be called in its own library."""

    function: Function
    convention: Convention | None  # that it declares
    built: str | None = None  # how it was made of a class or by a factory
    by_file: bool = False  # it was built as its own file builds it


@contextmanager
def _naming_the_library() -> Iterator[None]:
    """Raise `Unavailable` with what to install, where JAX or MLX lacks."""
    try:
        yield
    except ImportError as error:
        reason = array_libraries.absent(error)
        if reason is None:
            raise
        raise Unavailable(reason) from error


@_naming_the_library()
def load(specification: str, device: str, *, wide: bool = True) -> NamedObject:
    """Import the module and take the name from it; build a class, call a factory.

    `wide`: a class of JAX is built in float32. Raises
    as `rotcheck.implementations.target.resolve` does.
    """
    module, name = _module(specification)
    owner, _, method = name.rpartition(".")
    if owner and _needs_object(getattr(module, owner, None), method):
        place = specification.rpartition(":")[0]
        owning = load(f"{place}:{owner}", device, wide=wide)
        bound_method = _attribute(owning.function, method, specification)
        return NamedObject(
            bound_method, declared_convention(bound_method), owning.built, owning.by_file
        )
    function = _attribute(module, name, specification)
    convention = declared_convention(function)
    if inspect.isclass(function):
        instance, how, by_file = _build(function, module, device, specification, wide)
        return NamedObject(
            _callable(instance), convention or declared_convention(instance), how, by_file
        )
    if convention is None and instances.is_factory(function):
        instance = cast(Any, function)()
        if callable(instance):
            return NamedObject(instance, declared_convention(instance), f"{name}()")
    return NamedObject(function, convention)


@_naming_the_library()
def as_it_is(specification: str) -> Function:
    """What stands under a name: nothing is built or called. Raises as `load` does."""
    module, name = _module(specification)
    return _attribute(module, name, specification)


def _module(specification: str) -> tuple[ModuleType, str]:
    """The module of a SPEC, imported, and the name."""
    place, _, name = specification.rpartition(":")
    return module_import.module(place, name), name


def _build(
    kind: Callable[..., Any], module: ModuleType, device: str, specification: str, wide: bool
) -> tuple[Any, str, bool]:
    placeholders.refuse_without_base(kind)
    # tensors of the stand-ins are made on the CPU, from which meta's are moved
    place = "cpu" if device in ("meta", "interpreter") else device
    try:
        dtype = array_libraries.wide(kind) if wide else {}
        return instances.construct_as_file_does(kind, module, place, **dtype)
    except instances.Unbuildable as error:
        raise NotBuilt(specification, str(error)) from error


def _callable(instance: Any) -> Any:
    """An object, or its `forward` where it cannot be called itself:
    something else calls that, then."""
    return instance if callable(instance) else getattr(instance, "forward", instance)


def _needs_object(owner: Any, method: str) -> bool:
    """Whether it is a class and the method none that can be called without an object of it."""
    free = isinstance(inspect.getattr_static(owner, method, None), staticmethod | classmethod)
    return inspect.isclass(owner) and not free


def _attribute(holder: Any, name: str, specification: str) -> Function:
    """The function `name`, or `Class.name`, of a module or an object.

    Raises `RequestError` where there is none.
    """
    value: Any = holder
    for part in name.split("."):
        value = getattr(value, part, None)
    if isinstance(value, placeholders.Placeholder):
        value.refuse()
    if callable(value):
        return cast(Function, value)
    line = _conditional(holder, name) if value is None else None
    if line is not None:
        raise Unavailable(f"line {line} defines it under a condition that does not hold here")
    names = [
        key for key, member in vars(holder).items() if callable(member) and not key.startswith("_")
    ]
    near = difflib.get_close_matches(name, names, 1, 0.5)
    listing = ", ".join(names[:MOST_NAMES]) or "none"
    hint = f"did you mean {near[0]!r}?" if near else f"it has {listing}"
    problem = (
        f"{name!r} there is no function" if value is not None else f"there is no function {name!r}"
    )
    raise RequestError(f"{_without_folders(specification)}: {problem}; {hint}")


def _without_folders(specification: str) -> str:
    return repr(specification.rpartition("/")[2])


def _conditional(module: ModuleType, name: str) -> int | None:
    """The line on which a module's file defines what the module does not have:
    inside an `if` or a `try`."""
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(".py"):
        return None
    return rotary_code.lines(spec.tree(Path(file))).get(name)
