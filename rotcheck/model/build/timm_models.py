"""A vision model of timm, made small: few blocks, few heads of the same size, random weights."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from rotcheck.errors import RequestError
from rotcheck.model.build import call_search, precision
from rotcheck.model.build.build_error import BuildError, reason
from rotcheck.model.build.built_model import BuiltModel
from rotcheck.model.build.random_inputs import BATCH, SEED, normal
from rotcheck.model.build.small_sizes import words

ROWS, COLUMNS = 6, 12  # of patches: both are multiples of 2 and of 3, which some models merge
FEWEST, HEADS = 2, 4  # blocks of each model, heads of each block
MOST_PARAMETERS = 150_000_000


def from_name(name: str, dtype: torch.dtype) -> BuiltModel:
    """The model that timm makes of a name.

    Raises `RequestError` where there is none of that name, with those that are near.
    """
    import timm

    if name not in timm.list_models():
        near = difflib.get_close_matches(name, timm.list_models(), 3, 0.5)
        hint = f"; near it are {', '.join(near)}" if near else ""
        raise RequestError(f"timm {timm.__version__} has no model {name!r}{hint}")
    with torch.device("meta"):
        whole = timm.create_model(name)
    sizes, full, few = _sizes(whole), _image_size(whole), _few_patches(whole)
    first: BuildError | None = None
    for small, (height, width) in _attempts(sizes, full, few):
        try:
            module = precision.cast_module(_module(name, small), dtype)
            image = normal(BATCH, _channels(whole), height, width)  # (B, C, H, W)
            inputs = call_search.first_that_runs(module, [{"x": image}], dtype)
        except Exception as error:  # a stranger's constructor may raise anything
            first = first or BuildError(f"{name}: {reason(error)}")
            continue
        changes = tuple(words({**sizes, "img_size": full}, small))
        return BuiltModel(module, inputs, None, type(module).__name__, changes)
    assert first is not None, "there are attempts"
    raise first


def _encoder(module: torch.nn.Module) -> Any:
    """The part of a model that has blocks of one width: the model itself, or what it wraps."""
    parts = module.modules()
    return next((part for part in parts if hasattr(part, "blocks") and _heads(part)), None)


def _heads(part: Any) -> list[tuple[int, int]]:
    """How many heads of queries and of keys each block has."""
    attentions: list[Any] = [getattr(block, "attn", None) for block in getattr(part, "blocks", ())]
    return [
        (attention.num_heads, getattr(attention, "num_kv_heads", attention.num_heads))
        for attention in attentions
        if isinstance(getattr(attention, "num_heads", None), int)
    ]


def _sizes(whole: torch.nn.Module) -> dict[str, Any]:
    """The sizes of a model, by the names that timm's constructors share."""
    encoder = _encoder(whole)
    if encoder is None or not isinstance(getattr(encoder, "embed_dim", None), int):
        return {}
    heads = _heads(encoder)
    return {
        "depth": len(heads),
        "embed_dim": encoder.embed_dim,
        "num_heads": heads[0][0],
        "num_kv_heads": [count for _, count in heads],
    }


def _small(sizes: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Smaller sizes to try, the smallest first; in the end, none."""
    if sizes:
        heads, kinds = sizes["num_heads"], list(dict.fromkeys(sizes["num_kv_heads"]))
        counts = (kinds * FEWEST)[: max(len(kinds), FEWEST)]  # of the heads of keys, for each block
        depth = {"depth": min(len(counts), sizes["depth"])}
        if heads > HEADS:
            width = {"embed_dim": sizes["embed_dim"] // heads * HEADS, "num_heads": HEADS}
            yield depth | width
            few = [max(1, count * HEADS // heads) for count in counts]
            yield depth | width | {"num_kv_heads": few}
        yield depth
        yield depth | {"num_kv_heads": counts}
    yield {}


def _module(name: str, sizes: Mapping[str, Any]) -> torch.nn.Module:
    import timm

    with torch.device("meta"):
        whole = timm.create_model(name, **sizes)
    count = sum(values.numel() for values in whole.parameters())
    if count > MOST_PARAMETERS:
        raise BuildError(f"{count / 1e6:,.0f} million parameters")
    torch.manual_seed(SEED)
    module: torch.nn.Module = timm.create_model(name, pretrained=False, **sizes)
    return module.eval()


def _channels(whole: Any) -> int:
    channels: int = whole.pretrained_cfg["input_size"][0]
    return channels


def _image_size(whole: Any) -> tuple[int, int]:
    """Height and width of the images that a model names."""
    _, height, width = whole.pretrained_cfg["input_size"]
    return height, width


def _few_patches(whole: Any) -> tuple[int, int] | None:
    """Height and width of an image of few patches; None: their size is not known."""
    patch = getattr(getattr(_encoder(whole), "patch_embed", None), "patch_size", None)
    side = patch[0] if isinstance(patch, tuple) else patch
    return (ROWS * side, COLUMNS * side) if isinstance(side, int) else None


def _attempts(
    sizes: Mapping[str, Any], full: tuple[int, int], few: tuple[int, int] | None
) -> Iterator[tuple[dict[str, Any], tuple[int, int]]]:
    """Yield sizes to try, each with images: of few patches, if need be of a model that is made for
    these; then of the size that the model names."""
    for small in _small(sizes):
        if few:
            yield small, few
            yield {**small, "img_size": few}, few
        yield small, full
