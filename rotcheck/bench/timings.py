"""From the outcome of a job to its row."""

from collections.abc import Mapping
from typing import Any

import msgspec

from rotcheck.bench.plan import Group
from rotcheck.bench.timing_statistics import is_significant
from rotcheck.compare.cells import fields_of_failure
from rotcheck.isolation import Done, Returned
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.results import Spread, Timing, TimingState


def timing_of(result: Done, label: str, group: Group) -> Timing:
    """The row of a finished job, with cause and fix where its implementation failed."""
    if isinstance(result.outcome, Returned):
        return msgspec.convert(result.outcome.value, Timing)
    failure = fields_of_failure(result)
    row = not_run(label, group, failure.pop("verdict"), failure.pop("message"))
    return msgspec.structs.replace(row, **failure)


def without_noise(row: Timing, floor: Spread | None) -> Timing:
    """The row without a break-even that is not significant against the noise of the baseline."""
    if row.speedup is None or floor is None or is_significant(row.speedup, floor):
        return row
    return msgspec.structs.replace(row, break_even_calls=None)


def from_answer(label: str, group: Group, instead: Mapping[str, Any]) -> Timing:
    """The row of a function that is not run, from what a worker would answer in its place."""
    evidence = msgspec.convert(instead, Evidence)
    state = msgspec.convert(evidence.state, TimingState)
    row = not_run(label, group, state, evidence.message or "")
    return msgspec.structs.replace(row, fix=evidence.advice)


def not_run(label: str, group: Group, state: TimingState, message: str) -> Timing:
    """A row without figures."""
    return Timing(
        implementation=label,
        device=group.device,
        dtype=group.dtype,
        shape=group.shape,
        pass_=group.pass_,
        state=state,
        message=message,
    )
