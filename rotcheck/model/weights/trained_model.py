"""A model of full size with the weights of a folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import Module

from rotcheck.errors import RequestError, first_line
from rotcheck.model.build.config_json import read_config


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model with its weights, and its configuration as it stands in the folder."""

    module: Module
    config: Mapping[str, Any]


def trained_model(folder: Path, device: str, dtype: torch.dtype) -> TrainedModel:
    """The model of a folder with a Hugging Face `config.json` and weights.

    Raises:
        RequestError: it cannot be loaded, or some of its weights are not there.
    """
    config = read_config(folder / "config.json")
    names = config.get("architectures") or ["none"]
    import transformers

    model_class = getattr(transformers, str(names[0]), None)
    if model_class is None:
        raise RequestError(f"{str(folder)!r}: transformers has no architecture {names[0]!r}")
    try:
        module, info = model_class.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, dtype=dtype
        )
    except Exception as error:  # a stranger's constructor may raise anything
        raise RequestError(f"{str(folder)!r} cannot be loaded: {first_line(error)}") from error
    missing = sorted(info["missing_keys"])
    if missing:
        words = f"{len(missing)} weights of {names[0]} are not there, such as {missing[0]}"
        raise RequestError(f"{str(folder)!r}: {words}")
    return TrainedModel(module.to(device), config)
