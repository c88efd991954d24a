"""The identification of a function that makes tables, from the call by which it does so."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from rotcheck.identify.asking import idle_numbers
from rotcheck.identify.asking.flags import FlaggedCall
from rotcheck.identify.asking.question import has_mistake
from rotcheck.identify.calling.trial_call import exception_words
from rotcheck.identify.identification_result import (
    IdentificationResult,
    identification_of,
    without_convention,
)
from rotcheck.identify.making.grid_description import describe_grid
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.patch_description import describe_patches
from rotcheck.identify.making.point_tables import MakerMatch
from rotcheck.identify.making.returned_tables import first_tables
from rotcheck.identify.making.table_description import TableDescription, describe
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.identify.making.table_reading import NotTables, RotaryTables
from rotcheck.identify.rotation_identification import COMPARE
from rotcheck.identify.telling import table_doubt
from rotcheck.implementations.target import Target
from rotcheck.results import Identification

OnCpu = Callable[[Target], Callable[..., Any] | None]
"""Returns the function of a target for the CPU, where it lives on another device."""


def identify_maker(
    target: Target, maker: MakerMatch, device: torch.device, on_cpu: OnCpu
) -> IdentificationResult:
    """Identify a function by the call that makes tables, found on whatever device."""
    call, tables = maker
    on_device = replace(call, device=str(device))
    if call.device == on_device.device:
        result = _of_tables(target, call, tables, device, on_cpu)
    else:
        before = f"makes tables on cpu, and on {device} "
        result = identify_call(target, on_device, device, on_cpu, before)
    identification = idle_numbers.of_maker(target, on_device, result.identification, device)
    return replace(result, identification=identification)


def identify_flag(
    flag_call: FlaggedCall, call: MakerCall, device: torch.device, on_cpu: OnCpu
) -> Identification:
    """Identify a maker of tables with a flag the other way round."""
    variant = replace(call, arguments=flag_call.arguments, device=str(device))
    return identify_call(flag_call.target(), variant, device, on_cpu).identification


def identify_call(
    target: Target, call: MakerCall, device: torch.device, on_cpu: OnCpu, before: str = ""
) -> IdentificationResult:
    """Identify a maker by a call, if it makes tables by that; `before`: words for it if not."""
    try:
        tables = first_tables(target.function, call)
        return _of_tables(target, call, tables, device, on_cpu)
    except NotTables:
        words = f"{call.words} gives back no tables of a rotation"
    except Exception as error:  # whatever it raises when it is asked so
        words = exception_words(call.words, error)
    return without_convention(target, device, before + words)


def _of_tables(
    target: Target,
    call: MakerCall,
    tables: RotaryTables,
    device: torch.device,
    on_cpu: OnCpu,
) -> IdentificationResult:
    maker = TableMaker(target.function, call, tables, on_cpu(target), target.built)
    description = _describe(maker)
    reading = description.angles
    mistaken = has_mistake(reading.remarks)
    identification = identification_of(
        target,
        device,
        follows=not mistaken and not reading.doubt,
        convention=description.convention,
        message=reading.doubt,
        untried=description.untried,
        advice=(COMPARE,) if reading.doubt and not mistaken else (),
        call=call.words,
        evidence=description.evidence,
        findings=tuple(reading.remarks),
        ambiguous=tuple(reading.ambiguous),
        longest_context=reading.longest,
    )
    decision = table_doubt.decide(target, call, tables, identification)
    return IdentificationResult(decision, None)


def _describe(maker: TableMaker) -> TableDescription:
    if maker.call.sides:
        return describe_patches(maker)
    return describe_grid(maker) if maker.tables.grid else describe(maker)
