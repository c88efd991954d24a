"""From a class or a factory to an object that can be called,
built with what its parameters' names ask for."""

import copy
import inspect
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any

import torch

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import Names, is_named, on_cuda
from rotcheck.errors import first_line
from rotcheck.implementations import constructor_calls, package_setup

HEAD_DIM, HEADS, LENGTH, THETA = 64, 8, 8192, 10000.0
SIDE = 32  # patches of an image
THREE_WAYS = 96  # lanes of a head for a class that refuses 64: three coordinates have 32 each

Arguments = tuple[list[Any], dict[str, Any]]  # by position, and by name

_BY_NAME: tuple[tuple[Names, Any], ...] = (
    (vocabulary.CACHE, {}),
    (vocabulary.AXES, (16, 24, 24)),  # as many lanes as a head has, all pairs whole
    (vocabulary.SECTIONS, (8, 12, 12)),  # as many pairs
    (vocabulary.PAIR_FACTORS, tuple(1 + pair / 8 for pair in range(HEAD_DIM // 2))),
    (vocabulary.SIDE, SIDE),
    (vocabulary.MODEL_DIM, HEAD_DIM * HEADS),
    (vocabulary.HEADS, HEADS),
    (vocabulary.KV_HEADS, HEADS),
    (vocabulary.HEAD_DIM, HEAD_DIM),
    (vocabulary.LENGTH, LENGTH),
    (vocabulary.BASE, THETA),
    (vocabulary.LOW_FACTOR, 1.0),
    (vocabulary.HIGH_FACTOR, 4.0),
    (vocabulary.FACTOR, 1.0),
    (vocabulary.LAYER, 0),
    (vocabulary.DTYPE, torch.float32),
    (vocabulary.FLAG, True),
)


_UNTOLD = "and nothing says what that is: name a function without arguments that builds it"
_CUDA = re.compile(r"\bCUDA\b|NVIDIA driver")  # of what torch raises where there is none
_NO_CUDA = "asks for CUDA, which is not on this machine"


class Unbuildable(Exception):
    """The class asks for something that is not here or whose name does not tell what it is;
    the message names it."""


class _UnknownAttribute(AttributeError):
    """An attribute of a configuration whose name does not tell what it is:
    getattr with a default gets along."""


class _Configuration:
    """Stands in for a model's configuration on a device:
    answers for what its attributes' names mean."""

    def __init__(self, device: str) -> None:
        self._device = device

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if re.search(r"scaling|rope_parameters|quant|bias|interleav|use_|learn|dropout", name):
            return None
        value = self.get(name)
        if value is None:
            raise _UnknownAttribute(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Answer as a dictionary does."""
        value = self._device if is_named(name, vocabulary.DEVICE) else value_for(name)
        return default if value is None else value

    __getitem__ = __getattr__


def is_factory(function: Callable[..., Any]) -> bool:
    """Whether it is a plain function without parameters: then what it returns is meant."""
    if not inspect.isfunction(function):
        return False
    return not inspect.signature(function).parameters


def construct(kind: Callable[..., Any], *, device: str = "cpu", **values: Any) -> tuple[Any, str]:
    """An object of the class for a device, and how it was made, in words.

    Defaults are kept, but for what is `values` and for a device: where it is CUDA, and where the
    class is no module, which could be moved. One that refuses heads of 64 lanes is tried once more
    with 96. Raises `Unbuildable` for a parameter that no value is known for, and what the class
    raises.
    """
    package_setup.settle(kind)
    try:
        return _of_width(kind, values, device)
    except Unbuildable:
        raise
    except Exception as error:  # whatever a stranger's class raises
        configured = _with_configurations(kind, values, device)
        if configured == values:
            raise
        try:
            return _of_width(kind, configured, device)
        except Exception:  # so it was not that, and what it raised at first tells more
            raise error from error.__cause__


def _with_configurations(
    kind: Callable[..., Any], values: dict[str, Any], device: str
) -> dict[str, Any]:
    """The values with a configuration for each parameter that may be given one:
    None may not do for all that the class computes."""
    return values | {
        parameter.name: _configuration(kind, parameter, device)
        for parameter in _parameters(kind)
        if parameter.default is None
        and parameter.name not in values
        and is_named(parameter.name, vocabulary.CONFIGURATION)
    }


def _of_width(kind: Callable[..., Any], values: dict[str, Any], device: str) -> tuple[Any, str]:
    """An object of the class with heads of the usual width, or else of a wider one."""
    arguments = _arguments(kind, values, HEAD_DIM, device)
    try:
        return _instance(kind, arguments), _call(kind, arguments)
    except (AssertionError, ValueError) as error:
        wider = _arguments(kind, values, THREE_WAYS, device)
        if not _wider(wider, arguments):
            raise
        try:
            instance = _instance(kind, wider)
        except Exception:  # so it was not the width, and what it raised at first tells more
            raise error from error.__cause__
        refusal = f"{type(error).__name__}: {first_line(error)}".removesuffix(": ")
        return instance, f"{_call(kind, wider)}, since heads of {HEAD_DIM} lanes raise {refusal}"


def _arguments(
    kind: Callable[..., Any], values: dict[str, Any], width: int, device: str
) -> Arguments:
    """What a class is built with for heads of so many lanes."""
    positional: list[Any] = []
    by_name = dict(values)
    parameters = _parameters(kind)
    for parameter in parameters:
        if parameter.name in values:
            continue
        if not (_is_required(parameter) or _needs_device(kind, parameter, device)):
            continue
        value = _of(kind, parameter, parameters, width, device)
        value = dict(value) if isinstance(value, dict) else value
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(value)
        else:
            by_name[parameter.name] = value
    return positional, by_name


def _is_guess(kind: Callable[..., Any]) -> bool:
    """Whether a class would be built with sizes of our own: by more than a configuration, which
    has its defaults."""
    asked = [part.name for part in _parameters(kind) if _is_required(part)]
    return not asked or not all(is_named(name, vocabulary.CONFIGURATION) for name in asked)


def _parameters(kind: Callable[..., Any]) -> list[inspect.Parameter]:
    """What a class is built with; of one that hands all on,
    `(*args, **kwargs)`, what the next class takes."""
    parameters = list(inspect.signature(kind).parameters.values())
    kinds = {parameter.kind for parameter in parameters}
    if kinds != {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return parameters
    behind = inspect.getmro(kind)[1:] if inspect.isclass(kind) else ()
    return next(
        (_parameters(base) for base in behind if "__init__" in vars(base) and base is not object),
        parameters,
    )


def _wider(first: Arguments, second: Arguments) -> bool:
    """Whether a head's width is among what a class is built with:
    then one of its numbers is another."""
    pairs = zip((*first[0], *first[1].values()), (*second[0], *second[1].values()))
    return any(type(a) is int and a != b for a, b in pairs)


def _instance(kind: Callable[..., Any], arguments: Arguments) -> Any:
    positional, by_name = arguments
    try:
        with torch.no_grad():
            return kind(*positional, **by_name)
    except _UnknownAttribute as error:
        reason = f"asks its configuration for {str(error)!r}, {_UNTOLD}"
        raise _unbuildable(kind, reason) from error
    except (AssertionError, RuntimeError) as error:
        if torch.cuda.is_available() or not _CUDA.search(str(error)):
            raise
        raise _unbuildable(kind, _NO_CUDA) from error


def _unbuildable(kind: Callable[..., Any], reason: str) -> Unbuildable:
    return Unbuildable(f"{getattr(kind, '__name__', kind)} {reason}")


def _call(kind: Callable[..., Any], arguments: Arguments) -> str:
    positional, by_name = arguments
    keywords = (f"{name}={_text_of(value)}" for name, value in by_name.items())
    texts = [*map(str, positional), *keywords]
    return f"{getattr(kind, '__name__', 'it')}({', '.join(texts)})"


def _is_required(parameter: inspect.Parameter) -> bool:
    any_number = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and not any_number


def _needs_device(kind: Callable[..., Any], parameter: inspect.Parameter, device: str) -> bool:
    """Whether a parameter has to be told the device, though it has a default."""
    if device == "cpu" or (inspect.isclass(kind) and issubclass(kind, torch.nn.Module)):
        return on_cuda(parameter.name, parameter.default)
    return is_named(parameter.name, vocabulary.DEVICE)


def _of(
    kind: Callable[..., Any],
    parameter: inspect.Parameter,
    parameters: Sequence[inspect.Parameter],
    width: int,
    device: str,
) -> Any:
    if is_named(parameter.name, vocabulary.CONFIGURATION):
        return _configuration(kind, parameter, device)
    if is_named(parameter.name, vocabulary.DEVICE):
        return device
    if is_named(parameter.name, vocabulary.PATCH):
        return (1, 2, 2) if "tuple" in str(parameter.annotation).lower() else 2
    if is_named(parameter.name, vocabulary.MODEL_DIM):
        return _model_dim(parameter, parameters, width)
    value = value_for(parameter.name, width)
    is_number = parameter.annotation in (int, "int")  # `rotary_embedding: int` is no table
    if value is None and is_number and is_named(parameter.name, vocabulary.EMBEDDINGS):
        return width
    if value is None:
        raise _unbuildable(kind, f"asks for {parameter.name!r}, {_UNTOLD}")
    return value


def _model_dim(
    parameter: inspect.Parameter, parameters: Sequence[inspect.Parameter], width: int
) -> int:
    """A model's width: that of one head, unless a number of heads or
    a head's width is asked for too."""
    siblings = [sibling for sibling in parameters if sibling is not parameter]
    heads = [sibling for sibling in siblings if is_named(sibling.name, vocabulary.HEADS)]
    if heads:
        number = heads[0].default
        return width * number if type(number) is int and number > 0 else width * HEADS
    a_head = any(is_named(sibling.name, vocabulary.HEAD_DIM) for sibling in siblings)
    return width * HEADS if a_head else width


def value_for(name: str, width: int = HEAD_DIM) -> Any:
    """The value for a parameter or an attribute of this name, in heads of so many lanes;
    None: unknown."""
    names, value = next(
        ((names, value) for names, value in _BY_NAME if is_named(name, names)), (None, None)
    )
    return width if names is vocabulary.HEAD_DIM else value


def _configuration(builder: Callable[..., Any], parameter: inspect.Parameter, device: str) -> Any:
    """A configuration of the class that the annotation names, or one that answers by name."""
    try:
        hints = typing.get_type_hints(builder.__init__ if inspect.isclass(builder) else builder)
    except (NameError, TypeError, AttributeError):
        hints = {}
    kind = _class_of(hints.get(parameter.name))
    if kind is not None:
        try:
            config = kind()
        except TypeError:
            config = construct(kind, device=device)[0]
        # transformers: a model of several parts has several
        of_text = getattr(config, "get_text_config", None)
        return of_text() if callable(of_text) else config
    return _Configuration(device)


def _class_of(hint: Any) -> Callable[..., Any] | None:
    """The class that an annotation names, `Config | None` too; None: a mapping, or none."""
    kinds = [kind for kind in (typing.get_args(hint) or (hint,)) if kind is not type(None)]
    kind = typing.get_origin(kinds[0]) or kinds[0]
    if len(kinds) > 1 or not inspect.isclass(kind) or kind is Any or issubclass(kind, Mapping):
        return None
    return kind


def _text_of(value: Any) -> str:
    plain = isinstance(value, (int, float, str, torch.dtype, type(None)))
    numbers = isinstance(value, (tuple, list)) and all(
        type(number) in (int, float) for number in value
    )
    return str(value) if plain or numbers else f"{type(value).__name__.lstrip('_')}()"


def copy_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A copy of an object that may keep something from call to call;
    what cannot be copied as it is."""
    if isinstance(function, FunctionType | torch.jit.ScriptFunction | torch.jit.ScriptModule):
        return function
    try:
        return copy.deepcopy(function)
    except (TypeError, RuntimeError, AttributeError):  # scripted, or of C
        return function


def construct_as_file_does(
    kind: Callable[..., Any], module: ModuleType, device: str = "cpu", **dtype: str
) -> tuple[Any, str, bool]:
    """An object of a class, how it was made, and whether its own file or package makes it so.

    Where neither does, it is built with what its parameters' names ask for; and where that fails,
    as its file builds it with a configuration of its package. `dtype`: what it is given in any
    case.

    Raises as `construct` does.
    """
    name = getattr(kind, "__name__", "")
    in_file = getattr(kind, "__module__", "") == module.__name__

    def built_by(calls: Sequence[constructor_calls.ConstructorCall]) -> tuple[Any, str] | None:
        return _as_called(kind, calls, device, dtype)

    instance = in_file and (
        built_by(constructor_calls.constructor_calls(module, name))
        or (_is_guess(kind) and built_by(constructor_calls.calls_in_package(module, name)))
    )
    if instance:
        return *instance, True
    try:
        return *construct(kind, device=device, **dtype), False
    except Exception:
        calls = constructor_calls.constructor_calls(module, name, of_package=True)
        instance = in_file and built_by(calls)
        if not instance:
            raise
        return *instance, True


def _as_called(
    kind: Callable[..., Any],
    calls: Sequence[constructor_calls.ConstructorCall],
    device: str,
    dtype: Mapping[str, str],
) -> tuple[Any, str] | None:
    """An object of a class as the first of these calls that succeeds builds it,
    and how that was."""
    for call in calls:
        values = {
            key: value for key, value in call.given.items() if not is_named(key, vocabulary.DEVICE)
        }
        try:
            instance, how = construct(kind, device=device, **{**values, **dtype})
        except Exception:  # that call takes more than its arguments
            continue
        lines = ", ".join(str(sibling.line) for sibling in calls if sibling is not call)
        more = f"; line {lines} with other values" if lines else ""
        return instance, f"{how}, as {call.place} builds it{more}"
    return None
