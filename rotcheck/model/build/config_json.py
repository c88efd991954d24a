"""The configuration of a Hugging Face model: in its file, and of a module."""

import json
from pathlib import Path
from typing import Any

from torch.nn import Module

from rotcheck.errors import RequestError, first_line


def read_config(file: Path) -> dict[str, Any]:
    """The contents of a `config.json`. Raises `RequestError` where it holds none."""
    try:
        config = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise RequestError(f"{str(file)!r} cannot be read as JSON: {first_line(error)}") from error
    if not isinstance(config, dict):
        raise RequestError(f"{str(file)!r} is no configuration: it holds no object")
    return config


def config_of_module(module: Module) -> dict[str, Any] | None:
    """The configuration of a module as plain data; None: it has none that gives itself so."""
    to_dict = getattr(getattr(module, "config", None), "to_dict", None)
    return dict(to_dict()) if to_dict else None
