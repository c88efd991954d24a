"""Reads what declares a rotation from a file: config.json, params.json, the metadata of a .gguf."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from rotcheck.errors import RequestError, first_line
from rotcheck.file_contents import contents
from rotcheck.model.declared.gguf_metadata import TENSORS

NO_GGUF = "to read a .gguf file, install the package gguf: pip install 'rotcheck[gguf]'"


def declared_file(path: Path) -> Mapping[str, Any]:
    """The configuration that a file holds.

    Args:
        path: a config.json, a params.json, a .gguf file, or a folder with one of the first two.

    Returns:
        Its keys and values; of a .gguf file its metadata,
        and the tensors that divide its frequencies, as lists.

    Raises:
        RequestError: it cannot be read, or is none of these; the package gguf is missing.
    """
    if path.is_dir():
        files = (path / name for name in ("config.json", "params.json"))
        path = next((file for file in files if file.exists()), path / "config.json")
    if path.suffix.lower() == ".gguf":
        return _gguf(path)
    try:
        config = json.loads(contents(path).decode("utf-8-sig"))
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path} is no JSON: {first_line(error)}") from error
    if not isinstance(config, dict):
        raise RequestError(
            f"{path} holds no configuration: it is {type(config).__name__}, not an object"
        )
    return config


def _gguf(path: Path) -> Mapping[str, Any]:
    try:
        gguf = import_module("gguf")
    except ImportError as error:
        raise RequestError(f"{path}: {NO_GGUF}") from error
    try:
        reader = gguf.GGUFReader(path)
        fields = {
            name: field.contents() for name, field in reader.fields.items() if _is_short(name)
        }
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or first_line(error)}") from error
    except (ValueError, IndexError, KeyError) as error:  # what the reader says of other bytes
        raise RequestError(f"{path} is no GGUF file: {first_line(error)}") from error
    names = TENSORS.values()
    return fields | {t.name: t.data.tolist() for t in reader.tensors if t.name in names}


def _is_short(name: str) -> bool:
    """Whether a field is not one of the tokenizer, whose lists are long."""
    return not name.startswith("tokenizer.")
