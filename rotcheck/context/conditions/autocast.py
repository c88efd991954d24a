"""Under `torch.autocast` to bfloat16: the same inside and outside, whichever comes first."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rotcheck.context.angle_sources import reason
from rotcheck.context.condition_result import ConditionResult, DoesNotApply
from rotcheck.context.specimen import Specimen

blames = "phase-autocast"
NO_AUTOCAST = "there is no autocast to bfloat16"


def run(specimen: Specimen) -> ConditionResult:
    """Ask one object outside, and another inside first and then outside."""
    positions, outside = specimen.sample()
    source = specimen.source()
    with _autocast(specimen.device):
        inside = source.run(positions)
    measurement = ConditionResult()
    outside_change = outside.difference(source.run(positions))
    with _autocast(specimen.device):
        measurement.curve = specimen.sweep(specimen.fresh())
    inside_change = outside.difference(inside)
    if outside_change:
        measurement.finding = "spoilt-by-autocast"
        after = "if the first call is inside autocast, later calls outside it return different values too"
        measurement.message = f"{after}: {outside_change}"
    elif inside_change:
        measurement.note = f"not bit-identical inside autocast and outside: {inside_change}"
    return measurement


@contextmanager
def _autocast(device: str) -> Iterator[None]:
    """Enter autocast. Raises `DoesNotApply` on a device that has none, or none to bfloat16."""
    kind = torch.device(device).type
    with warnings.catch_warnings(record=True) as warning_list:  # it may warn and do nothing
        warnings.simplefilter("always")
        try:
            autocast = torch.autocast(kind, dtype=torch.bfloat16)
        except (RuntimeError, AssertionError) as error:
            raise DoesNotApply(f"{NO_AUTOCAST} on {kind}: {reason(error)}") from error
    with autocast:
        if not torch.is_autocast_enabled(kind):
            messages = "; ".join(str(warning.message) for warning in warning_list)
            raise DoesNotApply(f"{NO_AUTOCAST} on {kind}: {messages}")
        yield
