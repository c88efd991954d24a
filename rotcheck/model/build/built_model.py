"""A SPEC made into a model that runs here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from rotcheck.errors import RequestError


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """A small model on the CPU, and one call of it."""

    module: torch.nn.Module  # in eval mode, with random weights, unless a factory made it
    inputs: Mapping[str, Any]  # keyword arguments of one call of the module
    config: Mapping[str, Any] | None  # the declared configuration as plain data, of original size
    name: str  # the class of the module: "LlamaForCausalLM"
    changes: tuple[str, ...]  # what was made smaller, in words: "num_hidden_layers 32 -> 2"
    types: tuple[str, ...] = ()  # of all layers of the original model; empty: it names none


def build(source: str, dtype: torch.dtype | None = None) -> BuiltModel:
    """Build the model that a SPEC names, small, and find a call of it that runs.

    Args:
        source: `package.module:factory`, `path/to/file.py:factory`, `transformers:ARCHITECTURE`,
            `diffusers:CLASS`, `timm:NAME`, or a folder or file with a Hugging Face `config.json`.
        dtype: of its weights; None: float32, or those that a factory gives them. Models of
            transformers and diffusers are made in it, as `from_pretrained(dtype=...)` makes them;
            others are made, and then cast, buffers too.

    Returns:
        The model as it is before its first call: what finds the call runs a copy of it.

    Raises:
        RequestError: There is no such model; a `BuildError` where one cannot be built or called.
        Exception: Whatever the module of a factory raises while it is imported.
    """
    from rotcheck.model.build import (
        diffusers_models,
        factory_models,
        hugging_face_models,
        timm_models,
    )

    library, _, name = source.partition(":")
    makers: dict[str, Callable[[str, torch.dtype], BuiltModel]] = {
        "transformers": hugging_face_models.from_architecture,
        "diffusers": diffusers_models.from_class,
        "timm": timm_models.from_name,
    }
    if library in makers and name:
        _check_installed(library, source)
        return makers[library](name, dtype or torch.float32)
    if Path(source).is_dir() or source.endswith(".json"):
        _check_installed("transformers", source)
        return hugging_face_models.from_file(Path(source), dtype or torch.float32)
    if ":" in source:
        return factory_models.from_factory(source, dtype)
    raise RequestError(
        f"{source!r} names no model: write package.module:factory, path/to/file.py:factory, "
        "transformers:ARCHITECTURE, diffusers:CLASS, timm:NAME, or the path of a folder with a config.json"
    )


def _check_installed(library: str, source: str) -> None:
    if find_spec(library) is None:
        raise RequestError(
            f"{source!r} needs {library}, which is not installed: pip install {library}"
        )
