"""What comes back where nothing turns, in words: the input, a multiple of it, NaN, another result at each call."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rotcheck.convention import Convention, role_of
from rotcheck.identify.reading.matrix_reading import MatrixReading
from rotcheck.identify.reading.response import TOLERANCE, Caller, Sample

IDLE = {
    "cos": "cos",
    "sin": "sin",
    "positions": "positions",
    "offset": "offset",
    "offsets": "offsets",
}

OF_CHANCE = MatrixReading(
    problem="no-convention", words="gives another result each time, for the same input"
)


def read(look: Sample) -> MatrixReading | None:
    """Return what is told of a result of which no lane turns; None: it is something else."""
    inputs = _inputs(look.convention)
    comes = "come" if " and " in inputs else "comes"
    given, got = torch.stack(look.inputs), torch.stack(look.outputs)  # (slots, B, S, H, D)
    if bool(got.isnan().all()):
        return MatrixReading(problem="not-finite", words=f"{inputs} {comes} back as NaN")
    factor, summand = _median(got / given), _median(got - given)
    how = ""
    if _close(got, given):
        how = "as they were" if comes == "come" else "as it was"
    elif factor and _close(got, factor * given):
        how = f"times {factor:.4g}"
    elif _close(got, given + summand):
        how = f"with {summand:.4g} added"
    words = f"{inputs} {comes} back {how}: {_idle(look.convention)}"
    return MatrixReading(problem="not-rotated", words=words) if how else None


def varies(trier: Caller, look: Sample) -> bool:
    """Return whether the same call of the same input gives another result."""
    try:
        again = trier.call(look.convention, look.inputs)
    except Exception:  # it can be called once
        return True
    return not all(torch.equal(one, other) for one, other in zip(again, look.outputs))


def _close(one: Tensor, other: Tensor) -> bool:
    return bool(((one - other).abs() <= TOLERANCE).all())


def _median(values: Tensor) -> float:
    finite = values[torch.isfinite(values)]
    return float(finite.median()) if len(finite) else 0.0


def _inputs(convention: Convention) -> str:
    names = [role_of(one) for one in convention.called_with]
    return _listed([name for name in names if name in ("x", "q", "k", "v", "qkv")])


def _idle(convention: Convention) -> str:
    """Return which arguments turn nothing."""
    roles = [role_of(one) for one in convention.called_with]
    tables = [IDLE[role] for role in roles if role in IDLE]
    if not tables and convention.tables != "positions":
        tables = ["the table"]
    return (
        f"{_listed(tables)} turn{'s' if tables == ['the table'] else ''} nothing"
        if tables
        else "nothing turns"
    )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
