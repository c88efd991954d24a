"""A model of transformers, from the name of its architecture or from a `config.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from rotcheck.errors import RequestError
from rotcheck.model.build import call_search, model_inputs, rotary_keys
from rotcheck.model.build.build_error import BuildError, reason
from rotcheck.model.build.built_model import BuiltModel
from rotcheck.model.build.config_json import read_config
from rotcheck.model.build.plain_config import plain
from rotcheck.model.build.small_sizes import Changes, small_sizes, words
from rotcheck.model.build.special_tokens import small_tokens
from rotcheck.model.module_layers import layer_types

SEED = 12
MOST_PARAMETERS = 300_000_000
# how many heads there are at least (0: widths stay as they are), and which rules are left out
ATTEMPTS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (6, ()), (8, ()), (6, ("vocabulary",)), (16, ("vocabulary",)), (0, ()), (0, ("vocabulary", "experts")),
    (6, ("layers",)),
)  # fmt: skip


def from_architecture(name: str, dtype: torch.dtype) -> BuiltModel:
    """The model of an architecture of transformers, with its default configuration.

    Raises `RequestError` where there is none of that name, with those that are near.
    """
    from rotcheck.model.build import model_classes

    config_class, classes = model_classes.find(name)
    return _build(config_class, {}, classes, dtype)


def from_file(path: Path, dtype: torch.dtype) -> BuiltModel:
    """The model of a `config.json`, or of the folder that has one."""
    from rotcheck.model.build import model_classes

    file = path / "config.json" if path.is_dir() else path
    original = read_config(file)
    config_class, classes = model_classes.find_declared(original, file)
    model = _build(config_class, original, classes, dtype)
    code = model_classes.folder_code(original)
    note = (f"a model of transformers, not of {code}, which auto_map names",) if code else ()
    return replace(model, changes=(*note, *model.changes))


def _build(
    config_class: type[Any],
    original: Mapping[str, Any],
    classes: Sequence[type[Any]],
    dtype: torch.dtype,
) -> BuiltModel:
    """The first of several classes that is built and runs; else a part of the model that does."""
    full = plain(config_of(config_class, original).to_dict())
    reasons: list[str] = []
    for model_class in classes:
        try:
            return _build_class(config_class, original, full, model_class, dtype)
        except BuildError as error:
            reasons.append(f"{model_class.__name__}: {error}")
    part = _first_part(config_class, original, full, dtype)
    if part is None:
        raise BuildError("; ".join(reasons) or f"no model is made of a {config_class.__name__}")
    return replace(part, changes=(f"only a part, since {'; '.join(reasons)}", *part.changes))


def _first_part(
    config_class: type[Any],
    original: Mapping[str, Any],
    full: Mapping[str, Any],
    dtype: torch.dtype,
) -> BuiltModel | None:
    """The first part of a model that is a model itself and runs alone."""
    from rotcheck.model.build import model_classes

    sub_configs = getattr(config_class, "sub_configs", {})
    for key in sorted(sub_configs, key=lambda key: "text" not in key):
        values = original.get(key) or full.get(key)
        if isinstance(values, Mapping) and values.get("model_type"):
            try:
                part_class, classes = model_classes.find_declared(values, Path(key))
                return _build(part_class, values, classes, dtype)
            except RequestError:  # the next part may be one that runs
                continue
    return None


def _build_class(
    config_class: type[Any],
    original: Mapping[str, Any],
    full: Mapping[str, Any],
    model_class: type[Any],
    dtype: torch.dtype,
) -> BuiltModel:
    """A model of a class, as small as it can be; raises `BuildError` with the first reason."""
    first: BuildError | None = None
    for heads, without in ATTEMPTS:
        sizes = small_sizes(full, heads, without)
        if "vocabulary" not in without:
            sizes = merge(sizes, small_tokens(full))
        try:
            config = config_of(config_class, with_sizes(original, full, sizes, config_class))
            _check_rotary(full, config)
            module = _module(model_class, config, dtype)
            inputs = call_search.first_that_runs(module, model_inputs.calls(module), dtype)
        except Exception as error:  # a stranger's constructor may raise anything
            first = first or BuildError(reason(error))
            continue
        changes = tuple(words(full, sizes))
        types = tuple(map(str, layer_types(full)))
        return BuiltModel(module, inputs, original or full, model_class.__name__, changes, types)
    assert first is not None, "there are attempts"
    raise first


def _check_rotary(full: Mapping[str, Any], config: Any) -> None:
    changes = rotary_keys.differences(full, plain(config.to_dict()))
    if changes:
        raise BuildError(f"a smaller model would rotate differently: {', '.join(changes)}")


def config_of(config_class: type[Any], values: Mapping[str, Any]) -> Any:
    """A configuration of a class, from plain values."""
    return config_class.from_dict(plain(values))


def with_sizes(
    original: Mapping[str, Any],
    full: Mapping[str, Any],
    sizes: Mapping[str, Any],
    config_class: type[Any],
) -> dict[str, Any]:
    """What a configuration says, with small sizes.

    A part that it leaves out is written out in full, since another part's default may differ.
    """
    aliases = getattr(config_class, "attribute_map", {})
    values = {key: value for key, value in original.items() if aliases.get(key, key) not in sizes}
    for key, size in sizes.items():
        inner = isinstance(size, Changes)
        before = original.get(key)
        if not inner:
            values[key] = size
            continue
        sub_class = getattr(config_class, "sub_configs", {}).get(key, dict)
        values[key] = with_sizes(
            before if isinstance(before, Mapping) else full[key], full[key], size, sub_class
        )
    return values


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> Changes:
    """Two nested dictionaries in one."""
    union = Changes(first)
    for key, value in second.items():
        before = union.get(key)
        union[key] = (
            merge(before, value) if isinstance(value, Changes) and before is not None else value
        )
    return union


def _module(model_class: type[Any], config: Any, dtype: torch.dtype) -> torch.nn.Module:
    from rotcheck.model.build import model_classes

    with model_classes.without_kernels():  # a part may be imported only now
        with torch.device("meta"):
            count = sum(values.numel() for values in model_class(config).parameters())
        if count > MOST_PARAMETERS:
            raise BuildError(f"{count / 1e6:,.0f} million parameters")
        torch.manual_seed(SEED)
        return _in_dtype(model_class, config, dtype).eval()


def _in_dtype(model_class: type[Any], config: Any, dtype: torch.dtype) -> torch.nn.Module:
    """A model with random weights; in a narrow dtype as it would be loaded: in float32 stays what
    its code keeps there."""
    on_meta = torch.get_default_device().type == "meta"  # where nothing can be loaded
    first = dtype if on_meta else torch.float32
    module: torch.nn.Module = model_class._from_config(config, dtype=first)
    module = module.float() if first == torch.float32 else module
    if on_meta or dtype == torch.float32:
        return module
    weights = module.state_dict()
    loaded: torch.nn.Module = model_class.from_pretrained(
        None, config=config, state_dict=weights, dtype=dtype
    )
    return loaded
