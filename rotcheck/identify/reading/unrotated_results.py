"""What a result is in which nothing turns, in words:
the input, a multiple of it, NaN, another one at each call."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.convention import Convention, role_of
from rotcheck.convention.roles import of_group
from rotcheck.identify.reading.caller import Caller, Sample
from rotcheck.identify.reading.known_defects import finite_median
from rotcheck.identify.reading.matrix_reading import MatrixReading, no_convention
from rotcheck.identify.reading.response import TOLERANCE

IDLE_ROLES = ("cos", "sin", *of_group("place"))

RANDOM = no_convention("gives another result each time, for the same input")


def read_unrotated(sample: Sample) -> MatrixReading | None:
    """Read a result of which no lane turns; None: it is something else."""
    roles = [role_of(argument) for argument in sample.convention.called_with]
    tensors = [role for role in roles if role in of_group("tensor")]
    verb = "come" if len(tensors) > 1 else "comes"
    inputs, outputs = torch.stack(sample.inputs), torch.stack(sample.outputs)  # (slots, B, S, H, D)
    if bool(outputs.isnan().all()):
        return MatrixReading(problem="not-finite", words=f"{_and(tensors)} {verb} back as NaN")
    how = _how(inputs, outputs, "as they were" if len(tensors) > 1 else "as it was")
    words = f"{_and(tensors)} {verb} back {how}: {_idle_words(sample.convention, roles)}"
    return MatrixReading(problem="not-rotated", words=words) if how else None


def _how(inputs: Tensor, outputs: Tensor, words_of_input: str) -> str:
    factor, summand = finite_median(outputs / inputs), finite_median(outputs - inputs)
    if _close(outputs, inputs):
        return words_of_input
    if factor and _close(outputs, factor * inputs):
        return f"times {factor:.4g}"
    return f"with {summand:.4g} added" if _close(outputs, inputs + summand) else ""


def varies(caller: Caller, sample: Sample) -> bool:
    """Whether the same call of the same input gives another result, or raises the second time."""
    try:
        again = caller.call(sample.convention, sample.inputs)
    except Exception:  # whatever the function raises when it is called again
        return True
    return not all(map(torch.equal, again, sample.outputs))


def _close(values: Tensor, reference: Tensor) -> bool:
    return bool(((values - reference).abs() <= TOLERANCE).all())


def _idle_words(convention: Convention, roles: Sequence[str]) -> str:
    """Which arguments turn nothing."""
    idle = [role for role in roles if role in IDLE_ROLES]
    if idle:
        return f"{_and(idle)} turn nothing"
    return "the table turns nothing" if convention.takes_tables else "nothing turns"


def _and(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
