"""Text with an image in it, where a model says how many tokens an image has."""

import inspect
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from rotcheck.model.build import call_search, image_inputs
from rotcheck.model.build.random_inputs import BATCH, token_sequence
from rotcheck.model.build.special_tokens import token_ids

BEFORE, BEHIND = 5, 8  # tokens of text around the image
_IMAGE_TOKEN = ("image_token_id", "image_token_index")
_GRID = "image_grid_thw"
_TYPES = ("mm_token_type_ids", "token_type_ids")


def image_texts(
    module: Any, config: Mapping[str, Any], vocabulary: int
) -> Iterator[dict[str, Any]]:
    """Calls with one image in each row of the batch, for each form of images that the model takes.

    A copy of the model is asked for the features of the images, and their number is that of
    the places in the text.
    """
    image_token = next(
        (config[key] for key in _IMAGE_TOKEN if isinstance(config.get(key), int)), None
    )
    parameters = inspect.signature(module.forward).parameters
    if image_token is None or "pixel_values" not in parameters:
        return
    for pixels in _pixels(config, _GRID in parameters):
        count = _feature_count(module, pixels)
        if count and count % BATCH == 0:
            before = token_sequence(vocabulary, token_ids(config), BEFORE)
            behind = token_sequence(vocabulary, token_ids(config), BEHIND)
            image = torch.full((BATCH, count // BATCH), image_token)
            tokens = torch.cat([before, image, behind], 1)  # (B, S)
            types = {name: (tokens == image_token).int() for name in _TYPES if name in parameters}
            yield {"input_ids": tokens, **pixels, **types}


def _pixels(config: Mapping[str, Any], in_grid: bool) -> Iterator[dict[str, torch.Tensor]]:
    if not in_grid:
        yield from ({"pixel_values": images} for images in image_inputs.images(config))
        return
    pairs = itertools.product(image_inputs.patches(config), image_inputs.grids(config))
    yield from ({"pixel_values": patches, _GRID: grid} for patches, grid in pairs)


def _feature_count(module: Any, pixels: Mapping[str, torch.Tensor]) -> int:
    """How many places of the text images take; 0: the model does not take them in this form."""
    ask = getattr(call_search.copy_of(module), "get_image_features", None)
    if ask is None:
        return 0
    try:
        with torch.no_grad():
            features = ask(**pixels)
    except Exception:  # a stranger's function may raise anything; another form may do
        return 0
    features = getattr(features, "pooler_output", features)
    if isinstance(features, list | tuple):
        return sum(part.shape[:-1].numel() for part in features)
    return int(features.shape[:-1].numel()) if isinstance(features, torch.Tensor) else 0
