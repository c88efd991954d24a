"""Calls of a model of transformers to try, from its forward's parameters and its configuration."""

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rotcheck.model.build import image_inputs, sound_inputs
from rotcheck.model.build.plain_config import flat, plain
from rotcheck.model.build.random_inputs import TARGET_LENGTH, normal, token_sequence
from rotcheck.model.build.special_tokens import token_ids

MOST = 12  # calls of one kind
SOURCES: Mapping[str, Callable[[Mapping[str, Any]], list[Any]]] = {
    **image_inputs.SOURCES,
    **sound_inputs.SOURCES,
}
# in front of the others: what a model is given if it takes it
MAIN = ("input_ids", "decoder_input_ids")


def calls(module: Any) -> Iterator[Mapping[str, Any]]:
    """Calls of a model of transformers to try, in this order: with a cache where it has one."""
    config = plain(module.config.to_dict())
    parameters = inspect.signature(module.forward).parameters
    necessary = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    main = module.main_input_name
    text = [name for name in MAIN if name in parameters]
    speech = [name for name in text if name.startswith("decoder")]
    sets = [text or [main], [main, *text], [main, *speech]]
    for names in dict.fromkeys(tuple(dict.fromkeys([*names, *necessary])) for names in sets):
        known = tuple(name for name in names if name in parameters)
        for inputs in itertools.islice(_combinations(module, config, known), MOST):
            yield inputs
            if "use_cache" in parameters:
                yield {**inputs, "use_cache": False}


def _combinations(
    module: Any, config: Mapping[str, Any], names: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """Every combination of the values that are known for some parameters."""
    values = [_values(module, config, name, names) for name in names]
    for choice in itertools.product(*values):
        yield dict(zip(names, choice))


def _values(module: Any, config: Mapping[str, Any], name: str, names: tuple[str, ...]) -> list[Any]:
    if name == "input_ids":
        return [token_sequence(_vocabulary(module, config), token_ids(config))]
    if name == "decoder_input_ids":
        return [token_sequence(_vocabulary(module, config), token_ids(config), TARGET_LENGTH)]
    if name == "inputs_embeds":
        return [normal(2, 19, config["hidden_size"])] if "hidden_size" in config else []
    in_grid = image_inputs.GRIDS.intersection(names)
    if in_grid and name in image_inputs.PATCHES:
        return image_inputs.patches(config)
    return SOURCES[name](config) if name in SOURCES else []


def _vocabulary(module: Any, config: Mapping[str, Any]) -> int:
    """How many tokens a model knows."""
    try:
        weight = module.get_input_embeddings().weight
    except (NotImplementedError, AttributeError):  # a model with several embeddings, or with none
        sizes = [value for key, value in flat(config).items() if key.endswith("vocab_size")]
        return min((size for size in sizes if isinstance(size, int)), default=64)
    return int(weight.shape[0])
