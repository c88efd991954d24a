"""Layers that are declared to leave q and k as they are, beside those that turn them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rotcheck.model.declared.declared_rotation import DeclaredRotation, declared_rotations
from rotcheck.model.declared_rows import declared_row, is_of
from rotcheck.model.judged_call import JudgedCall
from rotcheck.model.module_layers import layer_of
from rotcheck.results import DeclaredRow


def still_rows(
    calls: Sequence[JudgedCall], config: Mapping[str, Any] | None
) -> Iterator[DeclaredRow]:
    """Yield a row for each part of a configuration that declares such layers.

    Args:
        calls: that turn tensors.
        config: of the model as it was built, whose layers may be few; None: it declares nothing.
    """
    parts = {rotation.part: rotation for rotation in declared_rotations(config or {})}
    for rotation in parts.values():
        layers = {
            layer_of(call.record.owner) for call in calls if is_of(call, rotation, parts.values())
        }
        turning = sorted(layer for layer in layers if layer is not None)
        if rotation.still_layers and turning:
            yield _row(rotation, turning)


def _row(rotation: DeclaredRotation, turning: Sequence[int]) -> DeclaredRow:
    wrong = [layer for layer in turning if layer in rotation.still_layers]
    declared = f"{_words(rotation.still_layers)} without rotation"
    if not wrong:
        return declared_row(rotation, declared, "agrees", "no rotation", declared)
    done = f"{_words(turning)} with one"
    message = f"layer {wrong[0]} turns, and the configuration says that it does not"
    fields: dict[str, Any] = {"finding": "config", "message": message}
    return declared_row(rotation, done, "disagrees", "no rotation", declared, **fields)


def _words(layers: Iterable[int]) -> str:
    return f"layers {', '.join(map(str, layers))}"
