"""Which classes of transformers a name or a configuration means."""

import difflib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import transformers
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from rotcheck.errors import RequestError

# the kinds of models, the one that is most like what people run first
KINDS = (
    "CAUSAL_LM", "IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM", "SEQ_TO_SEQ_CAUSAL_LM", "SPEECH_SEQ_2_SEQ",
    "MASKED_LM", "CTC", "UNIVERSAL_SEGMENTATION", "KEYPOINT_MATCHING", "IMAGE_CLASSIFICATION",
)  # fmt: skip
KERNELS = ("fla", "causal_conv1d", "mamba_ssm")


@contextmanager
def without_kernels() -> Iterator[None]:
    """Have transformers take its own functions instead of kernels that no CPU runs.

    It imports these packages when it imports a model, on any machine.
    """
    lacking = [name for name in KERNELS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(lacking))  # type: ignore[arg-type]  # None: not there
    try:
        yield
    finally:
        for name in lacking:
            sys.modules.pop(name, None)


def find(name: str) -> tuple[type[Any], list[type[Any]]]:
    """The configuration's class and the models' classes of a model type or of a class name."""
    if name in CONFIG_MAPPING:
        return CONFIG_MAPPING[name], classes_of(CONFIG_MAPPING[name])
    with without_kernels():
        model_class = getattr(transformers, name, None)
    config_class: Any = getattr(model_class, "config_class", None)
    if not (inspect.isclass(model_class) and config_class):
        names = [*CONFIG_MAPPING.keys(), *(key for key in dir(transformers) if key[0].isupper())]
        near = difflib.get_close_matches(name, names, 3, 0.5)
        hint = f"; near it are {', '.join(near)}" if near else ""
        raise RequestError(f"transformers {transformers.__version__} has no model {name!r}{hint}")
    return config_class, [model_class]


def find_declared(original: Mapping[str, Any], file: Path) -> tuple[type[Any], list[type[Any]]]:
    """The classes that a `config.json` names."""
    names = [name for name in original.get("architectures") or [] if hasattr(transformers, name)]
    model_type = str(original.get("model_type"))
    if model_type in CONFIG_MAPPING:
        config_class = CONFIG_MAPPING[model_type]
        with without_kernels():
            named_class = [getattr(transformers, name) for name in names]
        # the part of a multimodal model may name the class that it was taken from
        named_class = [
            kind for kind in named_class if getattr(kind, "config_class", None) is config_class
        ]
        return config_class, [
            *named_class,
            *(kind for kind in classes_of(config_class) if kind not in named_class),
        ]
    if names:
        return find(names[0])
    unknown_name = (
        f"{str(file)!r}: transformers {transformers.__version__} knows no model type {model_type!r}"
    )
    code = folder_code(original)
    if code is None:
        raise RequestError(unknown_name)
    raise RequestError(
        f"{unknown_name}; its auto_map names code of its own, {code}, which is not run unasked. Read it, and "
        f"write a function that makes the model with it: rotcheck model path/to/file.py:function"
    )


def folder_code(original: Mapping[str, Any]) -> str | None:
    """The file of a folder whose code makes its model, as its `auto_map` says; None: there is none.

    transformers runs it where `trust_remote_code` allows that; rotcheck does not.
    """
    names = original.get("auto_map")
    if not isinstance(names, Mapping):
        return None
    models = [name for key, name in names.items() if key.startswith("AutoModel")]
    name = next((name for name in models if isinstance(name, str)), None)
    return name and f"{name.rpartition('--')[2].rpartition('.')[0].replace('.', '/')}.py"


def classes_of(config_class: type[Any]) -> list[type[Any]]:
    """The models' classes of a configuration's, as the tables of transformers list them, then
    those of its own module."""
    with without_kernels():
        model_class = list(_of_tables(config_class))
        return list(dict.fromkeys(model_class or _of_module(config_class)))


def _of_tables(config_class: type[Any]) -> Iterator[type[Any]]:
    tables = [getattr(modeling_auto, f"MODEL_FOR_{kind}_MAPPING") for kind in KINDS]
    for table in [*tables, modeling_auto.MODEL_MAPPING]:
        if config_class in table:
            entry = table[config_class]
            yield from entry if isinstance(entry, tuple) else (entry,)


def _of_module(config_class: type[Any]) -> Iterator[type[Any]]:
    """The classes of the modeling module beside a configuration's that are made with it."""
    import importlib

    name = config_class.__module__.replace(".configuration_", ".modeling_")
    module = importlib.import_module(name)
    for model_class in vars(module).values():
        if (
            inspect.isclass(model_class)
            and getattr(model_class, "config_class", None) is config_class
            and model_class.__module__ == name
            and not model_class.__name__.endswith("PreTrainedModel")
        ):
            yield model_class
