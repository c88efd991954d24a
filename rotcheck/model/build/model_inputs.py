"""Calls of a model of transformers to try, from its forward's parameters and its configuration."""

import contextlib
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rotcheck.model.build import image_inputs, image_text_inputs, sound_inputs, token_inputs
from rotcheck.model.build.plain_config import flat, plain
from rotcheck.model.build.random_inputs import BATCH, LENGTH, TARGET_LENGTH, normal

MOST = 12  # calls of one kind
SOURCES: Mapping[str, Callable[[Mapping[str, Any]], list[Any]]] = {
    **image_inputs.SOURCES,
    **sound_inputs.SOURCES,
}
# in front of the others: what a model is given if it takes it
MAIN = ("input_ids", "decoder_input_ids")
# what a model that has it takes beside text, where it does not take text alone
BESIDE = ("input_features", "pixel_values", "input_values")
# what tells of these, and may be necessary although it has a default
FURTHER = ("image_attention_mask", "image_grid_thw", "grid_thw", "feature_lens")
FEWEST_TOKENS = 64


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
    yield from image_text_inputs.image_texts(module, config, _vocabulary(module, config))
    speech = [name for name in text if name.startswith("decoder")]
    beside = [name for name in BESIDE if name in parameters][:1]
    further = [name for name in FURTHER if name in parameters]
    sets = [text or [main], [main, *text], [main, *speech], [*text, *beside]]
    sets.append([*(text or [main]), *beside, *further])
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
    if name in MAIN:
        length = LENGTH if name == "input_ids" else TARGET_LENGTH
        return token_inputs.sequences(_vocabulary(module, config), config, length)
    if name == "inputs_embeds":
        return [normal(BATCH, LENGTH, config["hidden_size"])] if "hidden_size" in config else []
    if image_inputs.GRIDS.intersection(names) and name in image_inputs.PATCHES:
        return image_inputs.patches(config)
    return SOURCES[name](config) if name in SOURCES else []


def _vocabulary(module: Any, config: Mapping[str, Any]) -> int:
    """How many tokens a model knows: as the configuration and as its table of them has it."""
    sizes = [flat(config).get("vocab_size")]
    # a model with several tables of tokens, or with none, raises one of these
    with contextlib.suppress(NotImplementedError, AttributeError):
        sizes.append(module.get_input_embeddings().weight.shape[0])
    return min((size for size in sizes if isinstance(size, int)), default=FEWEST_TOKENS)
