"""Which layers of two models belong together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from msgspec import structs

from rotcheck.model.against.layer_difference import LayerDifference
from rotcheck.model.against.layer_rotation import LayerRotation, ModelRotations

NO_LAYERS = "no such layers"


@dataclass(frozen=True, slots=True)
class LayerPair:
    """Layers of two models that are to turn alike, with their name; `why`: they cannot be held
    against one another."""

    name: str
    first: LayerRotation | None = None
    second: LayerRotation | None = None
    why: str = ""


def layer_pairs(first: ModelRotations, second: ModelRotations) -> Iterator[LayerPair]:
    """Yield which layers of two models are to turn alike, each kind of them once."""
    parts = dict.fromkeys(layer.part for layer in (*first.layers, *second.layers))
    for part in parts:
        sides = [_of_part(side, part) for side in (first, second)]
        for pair in _of_sides(*sides):
            name = ", ".join(filter(None, (part, pair.name)))
            yield replace(pair, name=name)


def _of_part(side: ModelRotations, part: str) -> ModelRotations:
    return structs.replace(side, layers=tuple(x for x in side.layers if x.part == part))


def _of_sides(first: ModelRotations, second: ModelRotations) -> Iterator[LayerPair]:
    first, second = _with_types(first, second), _with_types(second, first)
    a, b = first.layers, second.layers
    kinds = kinds_of(a), kinds_of(b)
    if not a or not b:
        yield LayerPair("", _first(kinds[0]), _first(kinds[1]), NO_LAYERS)
    elif _has_types(first) and _has_types(second):
        yield from _by_type(a, b)
    elif min(map(len, kinds)) == 1:
        side = 0 if len(kinds[0]) > 1 else 1
        for pair in product(*kinds):
            name = _name(pair[side]) if max(map(len, kinds)) > 1 else ""
            yield LayerPair(name, pair[0], pair[1])
    elif len(a) == len(b) and not first.is_small and not second.is_small:
        yield from _in_order(a, b)
    else:
        yield LayerPair("", why=_no_order(first, second, *map(len, kinds)))


def _first(kinds: Sequence[LayerRotation]) -> LayerRotation | None:
    return kinds[0] if kinds else None


def _name(layer: LayerRotation) -> str:
    return layer.layers or (f"layer {layer.number}" if layer.number is not None else "")


def _has_types(side: ModelRotations) -> bool:
    return all(layer.layers for layer in side.layers)


def _with_types(side: ModelRotations, partner: ModelRotations) -> ModelRotations:
    """A model whose layers have the types that the other one names, layer by layer."""
    if _has_types(side) or len(partner.types) != len(side.layers) or side.is_small:
        return side
    layers = [structs.replace(x, layers=name) for x, name in zip(side.layers, partner.types)]
    return structs.replace(side, layers=tuple(layers))


def kinds_of(layers: Sequence[LayerRotation]) -> list[LayerRotation]:
    """The first layer of each kind, of those that turn alike."""
    kinds: list[LayerRotation] = []
    for layer in layers:
        if not any(LayerDifference(kind, layer).is_none for kind in kinds):
            kinds.append(layer)
    return kinds


def _by_type(a: Sequence[LayerRotation], b: Sequence[LayerRotation]) -> Iterator[LayerPair]:
    for name in dict.fromkeys(layer.layers for layer in (*a, *b)):
        sides = [kinds_of([x for x in side if x.layers == name]) for side in (a, b)]
        if not all(sides):
            yield LayerPair(name, _first(sides[0]), _first(sides[1]), NO_LAYERS)
        for pair in product(*sides):
            yield LayerPair(name, pair[0], pair[1])


def _in_order(a: Sequence[LayerRotation], b: Sequence[LayerRotation]) -> Iterator[LayerPair]:
    """Yield the layers in their order, each pair of kinds once."""
    kinds = kinds_of(a), kinds_of(b)
    pairs = [(_kind(x, kinds[0]), _kind(y, kinds[1])) for x, y in zip(a, b)]
    for pair in dict.fromkeys(pairs):
        place = pairs.index(pair)
        yield LayerPair(_name(a[place]) or _name(b[place]), a[place], b[place])


def _kind(layer: LayerRotation, kinds: Sequence[LayerRotation]) -> int:
    return next(i for i, kind in enumerate(kinds) if LayerDifference(kind, layer).is_none)


def _no_order(first: ModelRotations, second: ModelRotations, kinds: int, partners: int) -> str:
    counts = [len(side.types) or len(side.layers) for side in (first, second)]
    return (
        f"which layers belong together is not known: {kinds} kinds in {counts[0]} layers, and {partners} "
        f"in {counts[1]}; a config with layer_types tells"
    )
