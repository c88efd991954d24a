"""The layers of a model that was run once, each with what its q and k turn by."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rotcheck.model.against.far_frequencies import FarRuns, far_frequencies, known_frequencies
from rotcheck.model.against.layer_rotation import LayerRotation, LengthFrequencies, ModelRotations
from rotcheck.model.attention_inputs import AttentionInputs
from rotcheck.model.declared.declared_rotation import DeclaredRotation
from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.model.model_rows import ModelObservation
from rotcheck.model.module_layers import SENSES, layer_of, layer_type
from rotcheck.model.sequences.evidence.token_angles import place_turns
from rotcheck.model.table_reach import TableReach
from rotcheck.model.turn_pairs import uneven_turns
from rotcheck.rotary.schedules import Schedule
from rotcheck.witness.turning import real_lanes

STILL = {"is_still": True, "does": "does not turn"}
UNSEEN = {"obstacle": "what turns q and k elsewhere runs there too, and was not seen to turn them"}
ROWS = 3  # tokens whose q is kept


@dataclass(frozen=True, slots=True)
class _Layer:
    """One attention of a model, or a module that turns tensors for one which was not seen."""

    owner: str
    turns: tuple[JudgedTurn, ...]
    finding: str = ""  # what is wrong with it


def model_layers(
    observation: ModelObservation,
    lengths: Sequence[int],
    runs: FarRuns,
    schedules: Sequence[Schedule],
    types: tuple[str, ...],
    *,
    is_small: bool,
) -> ModelRotations:
    """Read off a pass how q and k turn in each layer, and at each length.

    Args:
        observation: of the pass.
        lengths: of sequences, beside that of the pass.
        runs: of the model, in long sequences.
        schedules: that its configuration declares.
        types: of all layers of the original model; empty: it names none.
        is_small: whether layers of it were left out.
    """
    places = {id(x): place for place, x in place_turns(observation.forward.witness.calls).items()}
    reaches = [reach for _, reach in observation.reaches if isinstance(reach, TableReach)]

    def at_lengths(turn: JudgedTurn) -> Iterator[LengthFrequencies]:
        yield known_frequencies(turn, observation.forward.length, "run")
        place = places.get(id(turn.tensor))
        for length in lengths:
            yield far_frequencies(turn, place, length, runs, reaches, schedules)

    layers = []
    for layer in _layers(observation):
        fields: dict[str, Any] = {
            "number": layer_of(layer.owner),
            "layers": layer_type(layer.owner, observation.config),
            "part": _part(layer.owner),
        }
        if not layer.turns:
            fields |= UNSEEN if layer.owner in runs.owners else STILL
            layers.append(LayerRotation(**fields))
            continue
        fields["obstacle"] = _obstacle(layer)
        turn = layer.turns[0]
        if turn.fit.kind == "rows" and not fields["obstacle"]:
            fields["lengths"] = tuple(at_lengths(turn))
        layers.append(LayerRotation(**fields, **_of_turn(turn)))
    return ModelRotations(layers=tuple(layers), types=types, is_small=is_small)


def _of_turn(turn: JudgedTurn) -> dict[str, Any]:
    form, fit = turn.tensor.turn, turn.fit
    follows = fit.kind == "rows"
    angles = str(fit.schedule or "no known schedule") if follows else fit.words
    return {
        "does": "; ".join(filter(None, (turn.words, angles))),
        "pairing": form.pairing,
        "width": form.width if form.blocks > 1 else turn.tensor.before.shape[-1],
        "start": form.start,
        "direction": fit.direction,
        "amplitude": form.amplitude,
        "before": _first_rows(turn),
        "rows": () if follows else tuple(map(tuple, fit.truth[0].tolist())),
        "noise": turn.angles.noise,
    }


def _first_rows(turn: JudgedTurn) -> tuple[tuple[float, ...], ...]:
    """The lanes that turn of the first tokens, (R, W), in the first head of the first row."""
    form = turn.tensor.turn
    x = real_lanes(turn.tensor.before).movedim(turn.angles.axis, -2)  # (..., S, D)
    rows = x.reshape(-1, *x.shape[-2:])[0, :ROWS, form.start : form.start + form.width]
    return tuple(map(tuple, rows.tolist()))


def _obstacle(layer: _Layer) -> str:
    """Why it is not known how a layer turns; empty: it is."""
    if layer.finding:
        return f"it is not right there itself: {layer.finding}"
    turn = layer.turns[0]
    words = next((turn.message for turn in layer.turns if turn.finding), "")
    return words or uneven_turns([turn, *layer.turns[1:]])


def _layers(observation: ModelObservation) -> Iterator[_Layer]:
    """Yield the layers: each attention that gets what was turned, those like it that get nothing
    so, and each other module that turns tensors."""
    judgements = {id(turn.tensor): turn for call in observation.calls for turn in call.turns}
    entries = [(entry, _turns(entry, judgements)) for entry in observation.inputs]
    owners = {_kind(entry.call.owner) for entry, turns in entries if turns}
    for entry, turns in entries:
        if turns or _kind(entry.call.owner) in owners:
            yield _Layer(entry.call.owner, turns, entry.finding[1])
    turn_ids = {id(turn) for _, turns in entries for turn in turns}
    rest: dict[str, list[JudgedTurn]] = {}
    for turn in judgements.values():
        if id(turn) not in turn_ids:
            rest.setdefault(turn.call.owner, []).append(turn)
    owners_of_attention = {entry.call.owner for entry, turns in entries if turns}
    for owner, owner_turns in rest.items():
        if owner not in owners_of_attention:
            yield _Layer(owner, tuple(owner_turns))


def _turns(entry: AttentionInputs, judgements: Mapping[int, JudgedTurn]) -> tuple[JudgedTurn, ...]:
    slots = [slot.turn for slot in (entry.q, entry.k) if slot.turn is not None]
    return tuple(judgements[id(turn)] for turn in slots if id(turn) in judgements)


def _kind(owner: str) -> str:
    """The name of a module without the numbers of layers."""
    return re.sub(r"\d+", "*", owner)


def _part(name: str) -> str:
    """What of a model a module, or a part of a configuration, is for; empty: text."""
    return next((part for part, words in SENSES.items() if re.search(words, name.lower())), "")


def declared_layers(
    rotations: Sequence[DeclaredRotation], lengths: Sequence[int]
) -> ModelRotations:
    """What a file declares that holds no model which runs here; the first length stands for that of
    a pass."""
    return ModelRotations(
        layers=tuple(_declared_layer(rotation, lengths) for rotation in rotations)
    )


def _declared_layer(rotation: DeclaredRotation, lengths: Sequence[int]) -> LayerRotation:
    fields: dict[str, Any] = {
        "number": None,
        "layers": rotation.layers,
        "part": _part(rotation.part),
    }
    if doubt := rotation.obstacle or rotation.settings.doubt:
        return LayerRotation(**fields, obstacle=f"not understood: {doubt}")
    schedule = str(rotation.schedule)
    at_lengths = [
        LengthFrequencies(
            length=length,
            source="declared",
            frequencies=tuple(rotation.frequencies(length).tolist()),
            schedule=schedule,
        )
        for length in lengths
    ]
    return LayerRotation(
        **fields,
        does=f"{schedule}, {rotation.rotary_dim} lanes",
        width=rotation.head_dim or 0,
        amplitude=rotation.amplitude,
        lengths=tuple(at_lengths),
    )
