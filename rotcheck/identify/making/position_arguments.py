"""Whether a maker reads what it is told: positions, batch rows of them, where rows begin."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.identify.angles.object_config import layer_types
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.making import row_offsets
from rotcheck.identify.making.maker_call_candidates import LAYER_TYPE, MakerCall, position_name
from rotcheck.identify.making.returned_tables import FEW_ROWS, call_maker, tensors_of
from rotcheck.identify.making.table_maker import TableMaker, equal_tensors
from rotcheck.implementations.instances import copy_of
from rotcheck.results import FieldEvidence, Remark

TWO_ROWS = "two batch rows of other positions, together and each by itself"


@dataclass(slots=True)
class ArgumentTrials:
    """What was tried beside the call that makes tables, and what came of it."""

    remarks: list[Remark] = field(default_factory=list)
    evidence: list[FieldEvidence] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)


def try_arguments(maker: TableMaker) -> ArgumentTrials:
    """Try other positions, two batch rows of them, and an offset, as far as a maker takes these."""
    trials, call, function = ArgumentTrials(), maker.call, maker.function
    if maker.tables.ignores:
        trials.remarks.append(_of_ignored_positions(maker))
    elif call.positions == "given" and not call.coordinates and position_name(function, call):
        _try_batch_rows(maker, trials)
    trials.untried += calls_of_other_layers(maker)
    for parameter in parameters(function) or ():
        if is_named(parameter.name, vocabulary.OFFSET) and not call.coordinates:
            _try_offset(maker, parameter.name, trials)
        elif not parameter.mandatory and not _passes(call, parameter.name):
            trials.untried.append(parameter.name)
    return trials


def calls_of_other_layers(maker: TableMaker) -> dict[str, MakerCall]:
    """The calls that ask for the layers of another kind than a call does, by that argument."""
    layers = [repr(kind) for kind in layer_types(maker.function)]
    parts = [argument.rpartition("=") for argument in maker.call.arguments]
    return {
        f"{LAYER_TYPE}={layer}": replace(
            maker.call,
            arguments=tuple(
                f"{name}{equals}{layer if role in layers else role}" for name, equals, role in parts
            ),
        )
        for layer in layers
        if layer not in [role for _, _, role in parts]
    }


def _passes(call: MakerCall, name: str) -> bool:
    return any(argument.startswith(f"{name}=") for argument in call.arguments)


def _of_ignored_positions(maker: TableMaker) -> Remark:
    words = (
        f"{maker.tables.ignores} changes nothing but how many rows come back: "
        "they are those of 0, 1, 2, ... whatever it holds"
    )
    calls = (
        ("torch.tensor([[0, 1, 2]])", "rows 0, 1, 2"),
        ("torch.tensor([[5, 6, 7]])", "the same; rows 5, 6, 7 are right"),
    )
    return maker.remark("positions-ignored", words, "positions 0 to 8, and 2 to 10", calls)


def _try_batch_rows(maker: TableMaker, trials: ArgumentTrials) -> None:
    """Ask for two batch rows of other positions."""
    row = torch.arange(FEW_ROWS)
    rows = torch.stack((row, (2 * row + 5) % 23))  # (2, S)
    try:
        single = [_tensors(maker, row[None]) for row in rows]
        together = _tensors(maker, rows)
    except Exception:  # it takes one row of positions, and no batch; a maker may raise anything
        trials.untried.append("positions (B, S)")
        return
    if equal_tensors(together, _join(single)):
        words = "each batch row its own"
        trials.evidence.append(FieldEvidence(field="positions", says=words, because=TWO_ROWS))
        return
    words = _departure(maker, rows, single, together)
    if not words:
        trials.untried.append("positions (B, S)")
        return
    calls = (
        ("torch.tensor([[0, 1, 2]])", "one row, right"),
        ("torch.tensor([[0, 1, 2], [5, 6, 7]])", "two rows: the first must be as before"),
    )
    trials.remarks.append(maker.remark("per-batch", words, TWO_ROWS, calls))


def _departure(
    maker: TableMaker, rows: Tensor, single: Sequence[list[Tensor]], together: list[Tensor]
) -> str:
    """What two batch rows (2, S) turn by instead of their positions; empty: nothing known."""
    try:
        of_sum = _tensors(maker, rows.sum(0)[None])
    except Exception:  # the sum is past the end of its table; a maker may raise anything
        of_sum = None
    if of_sum is not None and equal_tensors(together, of_sum):
        return "adds the positions of all batch rows up: every row turns by their sum, and one row alone is right"
    if equal_tensors(together, _join([single[0], single[0]])) or equal_tensors(together, single[0]):
        return "uses the positions of the first batch row for all rows"
    return ""


def _tensors(maker: TableMaker, positions: Tensor) -> list[Tensor]:
    """What comes back for positions (B, S)."""
    return tensors_of(call_maker(copy_of(maker.function), maker.call, positions, FEW_ROWS))


def _join(results: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """The tensors of several calls, one after another along their first axis."""
    return [torch.cat(parts) for parts in zip(*results)]


def _try_offset(maker: TableMaker, name: str, trials: ArgumentTrials) -> None:
    """Ask for rows from another one on."""
    # a maker that is given positions makes those rows: what an offset adds is its own affair
    effect = None if maker.call.positions == "given" else row_offsets.effect_of(maker, name)
    if effect is None:
        trials.untried.append(name)
    elif isinstance(effect, Remark):
        trials.remarks.append(effect)
    else:
        trials.evidence.append(effect)
