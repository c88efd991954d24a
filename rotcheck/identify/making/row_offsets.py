"""Where the rows of a maker begin that is told an offset: there, at 0, or one row off."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import role_of, vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.identify.calling.parameters import parameter_of, parameters
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.returned_tables import FEW_ROWS, call_maker, tensors_of
from rotcheck.identify.making.table_maker import TableMaker, equal_tensors
from rotcheck.implementations.instances import copy_of
from rotcheck.results import FieldEvidence, Remark

OFFSET = 3  # rows
SURELY_OFFSET = re.compile(
    "((pos|position|positions|seq|seq_len|seqlen|sequence|rope)_?)?offset|start_(pos|position|index)"
    "|past_(key_values?_|kv_|seq_)?(len|length)|cache_(pos|position|len|length)|cache_update_(index|idx)"
)


def effect_of(maker: TableMaker, name: str) -> FieldEvidence | Remark | None:
    """What an offset does: evidence that rows begin there, or a mistake; None: unclear.

    Asked of a fresh object, and of one that was asked for the first rows before.
    """
    offset_call = _with_offset(maker, name, OFFSET)
    reuse = copy_of(maker.function)
    try:
        offset_rows = _rows(maker, offset_call)
        usual = _rows(maker, maker.call, reuse)
        after = _rows(maker, offset_call, reuse)
        longer = _rows(maker, maker.call, count=FEW_ROWS + OFFSET + 1)
    except Exception:  # it takes no such offset; a maker may raise anything
        return None
    first = first_row(offset_rows, usual, longer)
    if first == OFFSET and not equal_tensors(after, offset_rows) and equal_tensors(after, usual):
        words = f"gives the same for another {name}: its cache ignores where the positions began"
        return _of_fault(maker, name, words)
    if first == OFFSET:
        return FieldEvidence(field="positions", says=f"from {name} on", because=_evidence(name))
    if not is_named(name, SURELY_OFFSET):
        return None
    if first == 0:
        words = f"{name} changes nothing: rows begin at 0 whatever it is"
        return _of_fault(maker, name, words)
    if first in (OFFSET - 1, OFFSET + 1) and _begins_at_0(maker, name):
        words = f"with {name}={OFFSET} its rows begin at {first}, with {name}=0 at 0: {OFFSET} rows end at {OFFSET - 1}"
        return _of_fault(maker, name, words)
    return None


def name_of_offset(maker: TableMaker) -> str:
    """The argument of the call that says where rows begin, and says 0; empty: none does."""
    places = parameters(maker.function) or ()
    for at, argument in enumerate(maker.call.arguments):
        place = parameter_of(argument, at, places)
        if place and role_of(argument) == "0" and is_named(place.name, vocabulary.OFFSET):
            return place.name
    return ""


def first_row(
    rows: Sequence[Tensor], usual: Sequence[Tensor], longer: Sequence[Tensor]
) -> int | None:
    """The row at which rows begin, of the usual ones or of more; None: at none that is tried.

    `longer`: as many rows more than the usual ones as the offset, and one.
    """
    axes = _row_axes(longer, usual)
    if not axes:
        return None
    for at in (OFFSET, 0, OFFSET + 1, OFFSET - 1):
        if equal_tensors(rows, _narrow(longer, axes, at, FEW_ROWS)) or equal_tensors(
            rows, _narrow(usual, axes, at, FEW_ROWS - at)
        ):
            return at
    return None


def _rows(
    maker: TableMaker,
    call: MakerCall,
    function: Callable[..., Any] | None = None,
    count: int = FEW_ROWS,
) -> list[Tensor]:
    """What comes back for so many rows, of a fresh object where none is handed over."""
    callee = copy_of(maker.function) if function is None else function
    return tensors_of(call_maker(callee, call, torch.arange(count), count))


def _with_offset(maker: TableMaker, name: str, offset: int) -> MakerCall:
    names = [
        parameter.name for parameter in parameters(maker.function) or () if parameter.mandatory
    ]
    at = names.index(name) if name in names else -1
    arguments = [
        argument for argument in maker.call.arguments if not argument.startswith(f"{name}=")
    ]
    if 0 <= at < len(arguments) and "=" not in arguments[at]:
        arguments[at] = str(offset)
    else:
        arguments.append(f"{name}={offset}")
    return replace(maker.call, arguments=tuple(arguments))


def _begins_at_0(maker: TableMaker, name: str) -> bool:
    """Whether an offset of 0 gives what none gives."""
    return equal_tensors(_rows(maker, _with_offset(maker, name, 0)), _rows(maker, maker.call))


def _of_fault(maker: TableMaker, name: str, words: str) -> Remark:
    calls = (
        (f"{name}=0", "rows 0, 1, 2"),
        (f"{name}={OFFSET}", f"rows {OFFSET}, {OFFSET + 1}, ... are right"),
    )
    return maker.remark("offset-ignored", words, _evidence(name), calls)


def _evidence(name: str) -> str:
    return f"{name}=0 and {name}={OFFSET}, as many rows"


def _row_axes(longer: Sequence[Tensor], usual: Sequence[Tensor]) -> list[int]:
    """The axis of each tensor that is longer for more rows; empty: none is."""
    axes = [
        next(
            (at for at, (a, b) in enumerate(zip(long.shape, short.shape)) if a == b + OFFSET + 1),
            -1,
        )
        for long, short in zip(longer, usual)
    ]
    return [] if -1 in axes else axes


def _narrow(tensors: Sequence[Tensor], axes: Sequence[int], first: int, rows: int) -> list[Tensor]:
    return [tensor.narrow(axis, first, rows) for tensor, axis in zip(tensors, axes)]
