"""The identification of a function that makes tables, from the call by which it does so."""

from dataclasses import replace

import torch

from rotcheck.identify.asking import idle_numbers
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


def identify_maker(target: Target, maker: MakerMatch, device: torch.device) -> IdentificationResult:
    """Identify a function by the call that makes tables, found on whatever device."""
    call, tables = maker
    on_device = replace(call, device=str(device))
    if call.device == on_device.device:
        result = _of_tables(target, call, tables, device)
    else:
        before = f"makes tables on cpu, and on {device} "
        result = identify_call(target, on_device, device, before)
    identification = idle_numbers.of_maker(target, on_device, result.identification, device)
    return replace(result, identification=identification)


def identify_call(
    target: Target, call: MakerCall, device: torch.device, before: str = ""
) -> IdentificationResult:
    """Identify a maker by a call, if it makes tables by that; `before`: words for it if not."""
    try:
        tables = first_tables(target.function, call)
        return _of_tables(target, call, tables, device)
    except NotTables:
        message = f"{call.words} returns no tables of a rotation"
    except Exception as error:  # whatever it raises when it is asked so
        message = exception_words(call.words, error)
    return without_convention(target, device, before + message)


def _of_tables(
    target: Target,
    call: MakerCall,
    tables: RotaryTables,
    device: torch.device,
) -> IdentificationResult:
    maker = TableMaker(target.function, call, tables, target.on_cpu(device), target.built)
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
