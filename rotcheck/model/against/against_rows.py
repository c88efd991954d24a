"""The rows of a report that hold two models against one another."""

from collections.abc import Iterator, Sequence
from typing import Any

from rotcheck.model.against.layer_difference import LayerDifference, LengthDifference
from rotcheck.model.against.layer_pairs import LayerPair, layer_pairs
from rotcheck.model.against.layer_rotation import LayerRotation, ModelRotations
from rotcheck.results import AgainstLength, AgainstRow

Names = tuple[str, str]
AXES_NOTE = "as text turns: with which axis a pair turns is not compared"
PERMUTATION_NOTE = "the pairings differ, and the lanes of q go in permuted accordingly"


def against_rows(
    first: ModelRotations, second: ModelRotations, names: Names, device: str, dtype: str
) -> Iterator[AgainstRow]:
    """Yield a row for each kind of layers.

    Args:
        first: the layers of the model that was asked for.
        second: those of the other one, measured at the same lengths.
        names: of both.
        device: on which both ran.
        dtype: of their weights.
    """
    if not first.layers and not second.layers:
        words = "no rotation was seen in either"
        yield AgainstRow(layers="", device=device, dtype=dtype, verdict="skipped", message=words)
    pairs = list(layer_pairs(first, second))
    for pair in pairs:
        fields: dict[str, Any] = {"layers": pair.name, "device": device, "dtype": dtype}
        for side, layer in (("spec", pair.first), ("other", pair.second)):
            fields[side] = layer.does if layer else ""
        if pair.first is None or pair.second is None or pair.why:
            yield AgainstRow(**fields, verdict="unidentified", message=_missing(pair, names))
        else:
            fields |= _judgement(LayerDifference(pair.first, pair.second, names))
            if fields["verdict"] == "disagrees":
                fields["message"] += _another_kind(pair.first, pair.name, pairs, names)
            if first.has_axes or second.has_axes:
                fields["note"] = "; ".join(filter(None, (fields.get("note"), AXES_NOTE)))
            yield AgainstRow(**fields)


def _missing(pair: LayerPair, names: Names) -> str:
    if pair.first is None and pair.second is None:
        return pair.why
    name = names[pair.first is not None]
    if pair.name:
        return f"{name} has {pair.why}, or they were not seen to turn"
    return f"nothing was seen to turn in {name}"


def _judgement(difference: LayerDifference) -> dict[str, Any]:
    near = difference.lengths[0] if difference.lengths else None
    fields: dict[str, Any] = {
        "lengths": tuple(map(_length, difference.lengths)),
        "parts_at": near.position if near else None,
    }
    if difference.obstacle:
        name = difference.names[not difference.first.obstacle]
        return fields | {"verdict": "unidentified", "message": f"{name}: {difference.obstacle}"}
    words = "; ".join((*difference.faults, *difference.orders))
    if difference.faults:
        finding = "other-rotation"
        return fields | {"verdict": "disagrees", "finding": finding, "message": words}
    if difference.orders or difference.doubts:
        words = "; ".join((*difference.orders, *difference.doubts))
        doubt = "pairing" if "pairing" in words else None
        return fields | {"verdict": "unidentified", "finding": doubt, "message": words}
    note = PERMUTATION_NOTE if difference.is_permuted else None
    return fields | {"verdict": "agrees", "note": note}


def _length(difference: LengthDifference) -> AgainstLength:
    first, second = difference.first, difference.second
    return AgainstLength(
        length=difference.length,
        spec=first.schedule,
        other=second.schedule,
        spec_known=first.source,
        other_known=second.source,
        parts_at=difference.position,
        message=difference.why or None,
    )


def _another_kind(first: LayerRotation, name: str, pairs: Sequence[LayerPair], names: Names) -> str:
    """Words, if other layers of the second model turn as the first does here."""
    for pair in pairs:
        if pair.second is None or pair.name in ("", name):
            continue
        if LayerDifference(first, pair.second).is_none:
            return f"; the {pair.name} layers of {names[1]} turn as those of {names[0]} do here"
    return ""
