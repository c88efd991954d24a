"""What can be changed about the rotation of a model: one thing at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rotcheck.grouping import group_by
from rotcheck.model.declared.declared_rotation import DeclaredRotation
from rotcheck.model.weights.changed_turns import (
    OPPOSITE,
    as_declared,
    as_turn,
    factor_name,
    k_late,
    no_turn,
    of_amplitude,
    of_factor,
    of_part,
    of_theta,
    other_direction,
    other_pairing,
    over_head,
    slower,
    without_scaling,
)
from rotcheck.model.weights.new_turn import NewTurn
from rotcheck.model.weights.turned_call import TurnedTensor

THETAS = (1e4, 5e5, 1e6)
STEPS = (0.5, 2.0)
FACTORS = (2.0, 4.0)  # of a scaling, where none runs
PARTS = (0.25, 0.5, 1.0)
POWERS = {"amplitude 1": 0.0, "the root of the amplitude": 0.5, "the amplitude squared": 2.0}
Change = Callable[[TurnedTensor], NewTurn]


@dataclass(frozen=True, slots=True)
class RotationChange:
    """One thing about the rotation, changed.

    `kind`: what of it: "pairing", "direction", "theta", ...; `words`: to what.
    """

    kind: str
    words: str
    change: Change


def rotation_changes(
    tensors: Sequence[TurnedTensor], declarations: Sequence[DeclaredRotation] = ()
) -> list[RotationChange]:
    """Everything that can be changed about the rotation of a model, one thing at a time.

    Args:
        tensors: that the model turns.
        declarations: what its configuration declares.
    """
    pairings = dict.fromkeys(OPPOSITE[tensor.turn.pairing] for tensor in tensors)
    changes = [
        RotationChange("pairing", f"{' and '.join(pairings)} pairs", other_pairing),
        RotationChange("direction", "the other direction", other_direction),
        RotationChange("rotation", "no rotation", no_turn),
        *_thetas(),
        *_scalings(tensors),
        *_amplitudes(),
        *_parts(),
        RotationChange("positions", "k one position late", k_late),
        *_layers(tensors),
        *_declaration(declarations),
    ]
    return list(_different(changes, tensors))


def _different(
    changes: Sequence[RotationChange], tensors: Sequence[TurnedTensor]
) -> Iterator[RotationChange]:
    """Those that turn a tensor in another way than it is turned, and than a change before."""
    before = [[tensor.turn for tensor in tensors]]
    for change in changes:
        turns = [change.change(tensor) for tensor in tensors]
        if not any(all(map(NewTurn.is_like, turns, earlier)) for earlier in before):
            before.append(turns)
            yield change


def _thetas() -> Iterator[RotationChange]:
    for theta in THETAS:
        yield RotationChange("theta", f"theta {theta:,.0f}", partial(of_theta, theta=theta))
    for step in STEPS:
        yield RotationChange("theta", f"theta times {step:g}", partial(of_theta, times=step))


def _scalings(tensors: Sequence[TurnedTensor]) -> Iterator[RotationChange]:
    schedules = [tensor.schedule for tensor in tensors if tensor.schedule is not None]
    if any(map(factor_name, schedules)):
        yield RotationChange("scaling", "no scaling", without_scaling)
        for step in STEPS:
            words = f"scaling by {'half' if step < 1 else 'twice'} the factor"
            yield RotationChange("scaling", words, partial(of_factor, times=step))
        return
    for factor in FACTORS:
        words = f"linear scaling by {factor:g}"
        yield RotationChange("scaling", words, partial(slower, factor=factor))


def _amplitudes() -> Iterator[RotationChange]:
    for words, power in POWERS.items():
        yield RotationChange("amplitude", words, partial(of_amplitude, power=power))


def _parts() -> Iterator[RotationChange]:
    for part in PARTS:
        words = "all lanes turn" if part == 1 else f"{part:.0%} of the lanes turn"
        yield RotationChange("part", words, partial(of_part, part=part))
    yield RotationChange("part", "frequencies over the whole head", over_head)


def _layers(tensors: Sequence[TurnedTensor]) -> Iterator[RotationChange]:
    """Layers of one type turned as those of another one are, or not at all."""
    turns = {name: group[0].turn for name, group in group_by(tensors, _type).items()}
    if len(turns) < 2:
        return
    for name, turn in turns.items():
        words = f"all layers as {name}"
        yield RotationChange("layers", words, partial(as_turn, turn=turn))
    if len(turns) == 2:
        exchange = dict(zip(turns, reversed(turns.values())))
        words = f"{' and '.join(turns)} exchanged"
        yield RotationChange(
            "layers", words, lambda tensor: as_turn(tensor, exchange[_type(tensor)])
        )
    for name in turns:
        yield RotationChange("layers", f"no rotation in {name}", partial(_no_turn_in, name=name))


def _no_turn_in(tensor: TurnedTensor, name: str) -> NewTurn:
    return no_turn(tensor) if _type(tensor) == name else tensor.turn


def _type(tensor: TurnedTensor) -> str:
    """The type of a tensor's layer; where the configuration has none, its frequencies tell."""
    return tensor.layers or str(tensor.schedule)


def _declaration(declarations: Sequence[DeclaredRotation]) -> Iterator[RotationChange]:
    if declarations and not any(rotation.obstacle for rotation in declarations):
        rotations = {rotation.layers: rotation for rotation in declarations}

        def change(tensor: TurnedTensor) -> NewTurn:
            return as_declared(tensor, rotations.get(tensor.layers, rotations.get("")))

        yield RotationChange("declared", "as the configuration declares", change)
