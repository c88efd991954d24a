"""One pass that shows rounded frequencies: at far positions, or over a long sequence."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.model.forward_pass import tensors_within
from rotcheck.model.module_layers import joined
from rotcheck.model.sequences.evidence.token_angles import TurnPlace, place_turns
from rotcheck.model.sequences.evidence.token_call import LENGTH, NOTHING, TokenCall
from rotcheck.model.sequences.way import NotComparable, WayClosed, WaySubject
from rotcheck.rotary.frequencies import wrap
from rotcheck.witness.call_record import CallRecord, TensorTurn
from rotcheck.witness.turn_forms import FormWitness

FAR = 8000  # positions up to here are asked for, if the model has as many
LONG = 300  # tokens, where a model takes no positions
AMPLITUDE = 0.02  # relative: two amplitudes that are nearer are the same
LENGTH_KEYS = ("original_max_position_embeddings", "max_position_embeddings", "n_positions")


@dataclass(frozen=True, slots=True)
class FarPass:
    """Inputs of a model, and what it does with them as it is.

    `reach`: in words, which positions they have.
    """

    inputs: Mapping[str, Any]
    reach: str
    turns: Mapping[TurnPlace, TensorTurn]
    output: Tensor | None  # the first tensor of values that came back

    @classmethod
    def of_subject(cls, subject: WaySubject) -> "FarPass":
        """Run the model at the farthest positions that it can be asked for."""
        if not subject.whole.witness.calls:
            raise WayClosed(NOTHING)
        for inputs, reach in _candidates(subject):
            try:
                records, output = witnessed_pass(subject, subject.module, inputs)
            except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):
                continue  # its tables are shorter, or it takes positions of another form
            if records:
                subject.notes.clear()  # here tensors of any number of rows are compared
                return cls(inputs, reach, place_turns(records), output)
        raise WayClosed(NOTHING)

    def difference(self, records: Sequence[CallRecord], tolerance: float) -> "TurnDifference":
        """Hold the turns of another pass with these inputs against those of this one."""
        places = place_turns(records)
        errors: dict[TurnPlace, float] = {}
        amplitudes: dict[TurnPlace, tuple[float, float]] = {}
        for place, tensor in self.turns.items():
            turn = places[place].turn if place in places else None
            if turn is None or turn.angles.shape != tensor.turn.angles.shape:
                continue
            off = wrap(turn.angles - tensor.turn.angles).abs().nan_to_num(torch.inf)
            off[(turn.weights == 0) | (tensor.turn.weights == 0)] = 0  # zeros have no angle
            errors[place] = float(off.max())
            pair = turn.amplitude, tensor.turn.amplitude
            if not abs(pair[0] - pair[1]) <= AMPLITUDE * pair[1]:
                amplitudes[place] = pair
        if not errors:
            names = ", ".join(dict.fromkeys(place.function for place in self.turns))
            raise NotComparable(f"{names} was not seen to run in this way")
        wrong = {place: error for place, error in errors.items() if error > tolerance}
        return TurnDifference(max(errors.values()), self.reach, wrong, amplitudes)


@dataclass(frozen=True, slots=True)
class TurnDifference:
    """How two passes with the same inputs turn."""

    error: float  # radians
    reach: str
    wrong: Mapping[TurnPlace, float]
    amplitudes: Mapping[TurnPlace, tuple[float, float]]

    @property
    def words(self) -> str:
        """What is wrong, and where; empty: nothing is."""
        if self.wrong:
            worst = max(self.wrong.values())
            by = f"up to {worst:.2g} rad off" if worst < torch.inf else "by NaN"
            return f"{_where(self.wrong)} turn {by} {self.reach}".rstrip()
        if self.amplitudes:
            now, before = next(iter(self.amplitudes.values()))
            return f"{_where(self.amplitudes)} are multiplied by {now:.3g}, not by {before:.3g}"
        return ""


def _where(places: Mapping[TurnPlace, Any]) -> str:
    names = ", ".join(dict.fromkeys(place.argument for place in places))
    modules = joined(place.owner for place in places)
    return f"{names} in {modules}" if modules else names


def witnessed_pass(
    subject: WaySubject,
    module: Module,
    inputs: Mapping[str, Any],
    world: AbstractContextManager[Any] | None = None,
) -> tuple[list[CallRecord], Tensor | None]:
    """Call a module: the calls that turned tensors, and the first tensor of values that came back.

    Args:
        subject: whose functions are looked for.
        module: the one to call.
        inputs: its arguments.
        world: what holds around the call: autocast.
    """
    witness = FormWitness(module, subject.whole.witness.calls)
    with world or nullcontext(), torch.no_grad(), witness:
        result = module(**inputs)
    floats = (tensor for tensor in tensors_within(result) if tensor.is_floating_point())
    return witness.calls, next(floats, None)


def original_length(config: Mapping[str, Any] | None) -> int | None:
    """The length that a configuration says the model was trained with; None: it says nothing."""
    parts = [config or {}]
    parts += [part for part in parts[0].values() if isinstance(part, Mapping)]
    for key in LENGTH_KEYS:
        for part in parts:
            if isinstance(part.get(key), int):
                return int(part[key])
    return None


def _candidates(subject: WaySubject) -> list[tuple[Mapping[str, Any], str]]:
    """Inputs to try, those at the farthest positions first."""
    plain = [(subject.inputs, "")]
    try:
        call = TokenCall(subject)
    except (WayClosed, NotComparable):
        return plain
    far = min(FAR, (original_length(subject.config) or FAR) - 1)
    tokens, long = call.rows(1), call.rows(1, min(LONG, far))
    longest = [({**call.rest, call.tokens: long}, f"within {long.shape[1]} tokens")]
    try:
        name = call.positions_parameter()
    except WayClosed:
        return longest + plain
    positions = torch.linspace(0, far, LENGTH).long()[None].to(subject.device)
    inputs = {**call.rest, call.tokens: tokens, name: positions}
    return [(inputs, f"at positions up to {far}"), *longest, *plain]
