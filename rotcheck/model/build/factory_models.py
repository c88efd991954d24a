"""The model that a function of the user's makes, as it is."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from rotcheck.errors import RequestError
from rotcheck.implementations import named_object, spec
from rotcheck.model.build import call_search, model_inputs
from rotcheck.model.build.build_error import BuildError
from rotcheck.model.build.built_model import BuiltModel
from rotcheck.model.build.config_json import config_of_module
from rotcheck.model.build.precision import cast_module
from rotcheck.model.build.random_inputs import BATCH, LENGTH, normal, token_sequence
from rotcheck.model.module_layers import layer_types

SEED = 12


def from_factory(source: str, dtype: torch.dtype | None = None) -> BuiltModel:
    """The model that `package.module:factory` or `path/to/file.py:factory` makes.

    Its weights stay as they are made, in their own dtypes if none is given. Raises `RequestError`
    for what is no such factory, and what the factory's module or the factory itself raises.
    """
    spec.check_path(source)
    module, inputs = _module_and_inputs(source)
    module = cast_module(module.to("cpu").eval(), dtype)
    original = config_of_module(module)
    if inputs is not None:
        call = _by_name(module, inputs, source)
        problem = call_search.first_that_runs(module, [call], dtype)
        return BuiltModel(module, problem, original, type(module).__name__, (), _types(original))
    calls = model_inputs.calls(module) if hasattr(module, "main_input_name") else _calls(module)
    found = call_search.first_that_runs(module, calls, dtype)
    return BuiltModel(module, found, original, type(module).__name__, (), _types(original))


def _types(config: Mapping[str, Any] | None) -> tuple[str, ...]:
    return tuple(map(str, layer_types(config or {})))


def _module_and_inputs(source: str) -> tuple[torch.nn.Module, Any]:
    product = named_object.as_it_is(source)
    if not isinstance(product, torch.nn.Module):
        _check_no_arguments(product, source)
        torch.manual_seed(SEED)
        product = product()
    module, inputs = (
        product if isinstance(product, tuple) and len(product) == 2 else (product, None)
    )
    if not isinstance(module, torch.nn.Module):
        raise RequestError(
            f"{source!r} makes no torch.nn.Module, but {type(module).__name__}: "
            "write a function that returns a module, or a module and its inputs"
        )
    return module, inputs


def _check_no_arguments(factory: Any, source: str) -> None:
    necessary = _necessary(factory)
    if necessary:
        raise RequestError(
            f"{source!r} needs {', '.join(necessary)}: "
            "write a function of no arguments that returns the module"
        )


def _necessary(function: Any) -> list[str]:
    """The parameters of a function that have no default."""
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def _by_name(module: torch.nn.Module, inputs: Any, source: str) -> Mapping[str, Any]:
    """Inputs as keyword arguments of the module's forward."""
    if isinstance(inputs, Mapping):
        return inputs
    places = inputs if isinstance(inputs, tuple | list) else (inputs,)
    names = [
        name
        for name, parameter in inspect.signature(module.forward).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    if len(places) > len(names):
        raise RequestError(
            f"{source!r} returns {len(places)} inputs, and the forward of "
            f"{type(module).__name__} names {len(names)}: return a dictionary"
        )
    return dict(zip(names, places))


def _calls(module: torch.nn.Module) -> Iterator[Mapping[str, Any]]:
    """Calls to try of a module that says nothing of its inputs:
    ids of tokens, hidden states, images."""
    names = _necessary(module.forward)
    if len(names) != 1:
        raise BuildError(
            f"the inputs of {type(module).__name__} are not known: its forward takes "
            f"{', '.join(names) or 'none by name'}; return them beside the module, as (module, inputs)"
        )
    yield from ({names[0]: values} for values in _first_inputs(module))


def _first_inputs(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    for layer in module.modules():
        if isinstance(layer, torch.nn.Embedding):
            yield token_sequence(layer.num_embeddings)
            break
    for layer in module.modules():
        if isinstance(layer, torch.nn.Linear):
            yield normal(BATCH, LENGTH, layer.in_features).to(layer.weight.dtype)  # (B, S, C)
            break
    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv2d):
            size = max(layer.stride[0], 1)
            shape = (BATCH, layer.in_channels, 4 * size, 6 * size)
            yield normal(*shape).to(layer.weight.dtype)  # (B, C, H, W)
            break
