"""A tensor turned with one thing about its rotation changed; as it was, where that thing is not
known of it."""

from collections.abc import Callable
from dataclasses import fields, replace

import torch
from torch import Tensor

from rotcheck.convention import Pairing
from rotcheck.model.declared.declared_rotation import DeclaredRotation
from rotcheck.model.weights.new_turn import NewTurn
from rotcheck.model.weights.turned_call import TurnedTensor
from rotcheck.rotary.schedules import OverHeadDim, Plain, Schedule

_FACTORS = ("factor", "scale")  # what schedules call how far they reach
OPPOSITE: dict[Pairing, Pairing] = {"half": "interleaved", "interleaved": "half"}


def other_pairing(tensor: TurnedTensor) -> NewTurn:
    """Lanes of the other order form the pairs, and stay where they are."""
    return tensor.turn.but(pairing=OPPOSITE[tensor.turn.pairing], output_lanes="same")


def other_direction(tensor: TurnedTensor) -> NewTurn:
    """Each pair turns the other way."""
    return tensor.turn.but(frequencies=-tensor.turn.frequencies)


def no_turn(tensor: TurnedTensor) -> NewTurn:
    """No pair turns."""
    return tensor.turn.but(frequencies=torch.zeros_like(tensor.turn.frequencies))


def slower(tensor: TurnedTensor, factor: float) -> NewTurn:
    """All frequencies over a factor: linear scaling."""
    return tensor.turn.but(frequencies=tensor.turn.frequencies / factor)


def of_theta(tensor: TurnedTensor, theta: float | None = None, times: float = 1) -> NewTurn:
    """The same schedule of another theta, or of its own times a number."""

    def new(schedule: Schedule) -> Schedule:
        return replace(schedule, theta=theta or times * _theta(schedule))  # type: ignore[call-arg]

    return _of_schedule(tensor, new)


def of_factor(tensor: TurnedTensor, times: float) -> NewTurn:
    """The same schedule of its factor times a number."""

    def new(schedule: Schedule) -> Schedule:
        name = factor_name(schedule)
        if name is None:
            return schedule
        factor = max(1.0, times * getattr(schedule, name))
        return replace(schedule, **{name: factor})

    return _of_schedule(tensor, new)


def without_scaling(tensor: TurnedTensor) -> NewTurn:
    """Frequencies of the same theta that are not scaled."""
    return _of_schedule(tensor, lambda schedule: Plain(_theta(schedule)))


def of_amplitude(tensor: TurnedTensor, power: float) -> NewTurn:
    """A power of its amplitude."""
    return tensor.turn.but(amplitude=tensor.turn.amplitude**power)


def of_part(tensor: TurnedTensor, part: float) -> NewTurn:
    """That part of the lanes turns, the first ones."""
    width = int(part * tensor.lanes)
    if tensor.schedule is None or tensor.turn.start or width % 2 or not width:
        return tensor.turn
    frequencies = tensor.schedule.inverse_frequencies(width)  # (P,)
    return tensor.turn.but(width=width, frequencies=_with_direction(frequencies, tensor))


def over_head(tensor: TurnedTensor) -> NewTurn:
    """Frequencies over all lanes of the head, although only a part turns."""
    if not isinstance(tensor.schedule, Plain) or tensor.lanes <= tensor.turn.width:
        return tensor.turn
    return _of_schedule(tensor, lambda schedule: OverHeadDim(tensor.lanes, _theta(schedule)))


def k_late(tensor: TurnedTensor) -> NewTurn:
    """k turned by the position behind its own."""
    return tensor.turn.but(positions=tensor.turn.positions + (tensor.name == "k"))


def as_turn(tensor: TurnedTensor, turn: NewTurn) -> NewTurn:
    """Turned by the frequencies that another tensor is turned by."""
    return tensor.turn.but(
        start=turn.start, width=turn.width, frequencies=turn.frequencies, amplitude=turn.amplitude
    )


def as_declared(tensor: TurnedTensor, rotation: DeclaredRotation | None) -> NewTurn:
    """Turned by what a configuration declares for its layer."""
    width = rotation.rotary_dim if rotation else None
    if rotation is None or not width or tensor.turn.blocks > 1 or width > tensor.lanes:
        return tensor.turn
    frequencies = rotation.frequencies(len(tensor.turn.positions))  # (P,)
    if 2 * len(frequencies) != width:
        return tensor.turn
    return tensor.turn.but(
        width=width, frequencies=_with_direction(frequencies, tensor), amplitude=rotation.amplitude
    )


def factor_name(schedule: Schedule) -> str | None:
    """What a schedule calls the factor that it scales by; None: it does not scale."""
    names = [field.name for field in fields(schedule)]
    return next((name for name in _FACTORS if name in names), None)


def _of_schedule(tensor: TurnedTensor, new: Callable[[Schedule], Schedule]) -> NewTurn:
    """The same lanes, with the frequencies of another schedule."""
    if tensor.schedule is None:
        return tensor.turn
    frequencies = new(tensor.schedule).inverse_frequencies(tensor.turn.width)  # (P,)
    return tensor.turn.but(frequencies=_with_direction(frequencies, tensor))


def _with_direction(frequencies: Tensor, tensor: TurnedTensor) -> Tensor:
    return tensor.judgement.fit.direction * frequencies


def _theta(schedule: Schedule) -> float:
    theta: float = schedule.theta  # type: ignore[attr-defined]  # every schedule has one
    return theta
