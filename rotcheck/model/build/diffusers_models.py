"""A transformer of diffusers, with the default sizes of its class made small."""

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

import torch

from rotcheck.errors import RequestError
from rotcheck.model.build import call_search, diffusion_inputs, diffusion_sizes, rotary_keys
from rotcheck.model.build.build_error import BuildError, reason
from rotcheck.model.build.built_model import BuiltModel
from rotcheck.model.build.plain_config import plain
from rotcheck.model.build.random_inputs import SEED
from rotcheck.model.build.small_sizes import small_sizes, words

MOST_PARAMETERS = 1_000_000_000
KERNEL_AXES = 3  # of the weights of a convolution, at least
ATTEMPTS = (6, 8, 0)  # how many heads there are at least; 0: as many as there were


def from_class(name: str, dtype: torch.dtype) -> BuiltModel:
    """The model of a class of diffusers.

    Raises `RequestError` where there is none of that name, with those that are near.
    """
    import diffusers

    model_class = getattr(diffusers, name, None)
    if not (inspect.isclass(model_class) and issubclass(model_class, diffusers.ModelMixin)):
        names = [key for key in dir(diffusers) if key.endswith("Model")]
        near = difflib.get_close_matches(name, names, 3, 0.5)
        hint = f"; near it are {', '.join(near)}" if near else ""
        raise RequestError(f"diffusers {diffusers.__version__} has no model {name!r}{hint}")
    return _build(model_class, dtype)


def _build(model_class: Any, dtype: torch.dtype) -> BuiltModel:
    name = model_class.__name__
    defaults, given = _defaults(model_class), dict(diffusion_sizes.NECESSARY.get(name, {}))
    full = {**defaults, **given}
    first: BuildError | None = None
    for heads in ATTEMPTS:
        sizes = small_sizes(full, heads)
        if heads:
            sizes.update(diffusion_sizes.SMALL.get(name, {}))
        try:
            config = {**full, **sizes}
            rotary = rotary_keys.differences(full, config)
            if rotary:
                raise BuildError(f"a smaller model would rotate differently: {', '.join(rotary)}")
            if not heads:
                _check_count(model_class, config)
            module = _module(model_class, config, dtype)
            _turn(module)
            calls = diffusion_inputs.calls(module, config)
            inputs = call_search.first_that_runs(module, calls, dtype)
        except Exception as error:  # a stranger's constructor may raise anything
            first = first or BuildError(f"{name}: {reason(error)}")
            continue
        changes = (*words(defaults, given), *words(full, sizes))
        return BuiltModel(module, inputs, {"_class_name": name, **full}, name, changes)
    assert first is not None, "there are attempts"
    raise first


def _module(model_class: Any, config: Mapping[str, Any], dtype: torch.dtype) -> torch.nn.Module:
    """A model whose weights are made in a dtype, as `from_pretrained` makes them."""
    usual = torch.get_default_dtype()
    torch.manual_seed(SEED)
    torch.set_default_dtype(dtype)
    try:
        module: torch.nn.Module = model_class.from_config(config)
    finally:
        torch.set_default_dtype(usual)
    return (module.float() if dtype == torch.float32 else module).eval()


def _turn(module: torch.nn.Module) -> None:
    """Give learned frequencies, and the kernels of convolutions, values: where they begin as
    zeros, nothing turns, or zeros do."""
    generator = torch.Generator().manual_seed(SEED)
    for name, values in module.named_parameters():
        is_kernel = values.dim() >= KERNEL_AXES
        if (name.endswith("frequencies") or is_kernel) and not bool(values.any()):
            torch.nn.init.normal_(values, std=0.02, generator=generator)


def _check_count(model_class: Any, config: Mapping[str, Any]) -> None:
    with torch.device("meta"):
        count = sum(values.numel() for values in model_class.from_config(config).parameters())
    if count > MOST_PARAMETERS:
        raise BuildError(f"{count / 1e6:,.0f} million parameters")


def _defaults(model_class: Any) -> Mapping[str, Any]:
    """What the constructor of a class takes if it is not told otherwise."""
    parameters = inspect.signature(model_class.__init__).parameters
    return plain(
        {
            name: parameter.default
            for name, parameter in parameters.items()
            if parameter.default is not parameter.empty
        }
    )
