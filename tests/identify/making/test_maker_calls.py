"""How makers of tables and of positions are called, and what they make of offsets,
batch rows and masks."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from rotcheck.identify.asking.idle_numbers import trials
from rotcheck.identify.making import maker_search, position_makers, row_offsets
from rotcheck.identify.making.maker_call_candidates import MakerCall, maker_calls, position_name
from rotcheck.identify.making.position_arguments import try_arguments
from rotcheck.identify.making.returned_tables import (
    first_tables,
    lay_positions,
    tables_at,
    tables_or_none,
    tensors_of,
)
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.identify.making.table_reading import NotTables

CPU = torch.device("cpu")


def _tables(positions: Tensor, dim: int = 64, base: float = 10000.0) -> tuple[Tensor, Tensor]:
    frequencies = 1 / base ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angles = positions[..., None].double() * frequencies
    return angles.cos(), angles.sin()


def of_length(seq_len: int, dim: int, base: float = 10000.0) -> tuple[Tensor, Tensor]:
    """Tables (S, P) of so many rows."""
    return _tables(torch.arange(seq_len), dim, base)


def of_positions(position_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Tables (B, S, P) of positions (B, S)."""
    return _tables(position_ids)


def of_first_row(position_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Tables of the positions of the first batch row, for all of them."""
    return _tables(position_ids[:1].expand_as(position_ids))


def of_sums(position_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Tables of the positions of all batch rows added up."""
    return _tables(position_ids.sum(0, keepdim=True))


def of_no_positions(position_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Tables of 0, 1, 2, ... whatever the positions are."""
    return _tables(torch.arange(position_ids.shape[-1])[None])


def with_offset(seq_len: int, offset: int = 0) -> tuple[Tensor, Tensor]:
    """Tables from an offset on."""
    return _tables(torch.arange(seq_len) + offset)


def without_offset(seq_len: int, offset: int = 0) -> tuple[Tensor, Tensor]:
    """Tables from 0 on, whatever the offset."""
    return _tables(torch.arange(seq_len))


def late(seq_len: int, offset: int = 0) -> tuple[Tensor, Tensor]:
    """Tables from behind an offset on."""
    return _tables(torch.arange(seq_len) + offset + bool(offset))


def unmoved(seq_len: int) -> tuple[Tensor, Tensor]:
    """cos 1 and sin 0."""
    return _tables(torch.zeros(seq_len))


def _maker(function: Callable[..., Any]) -> TableMaker:
    found = maker_search.find(function, CPU)
    assert found is not None
    return TableMaker(function, *found)


def test_the_first_call_says_what_each_argument_is_by_its_name() -> None:
    assert maker_calls(of_length, CPU)[0] == MakerCall(("S", "D"), "length")
    assert maker_calls(of_positions, CPU)[0].arguments == ("positions",)
    assert position_name(of_positions, maker_calls(of_positions, CPU)[0]) == "position_ids"
    assert position_name(of_length, maker_calls(of_length, CPU)[0]) == ""


def test_a_call_is_put_in_words_with_the_name_of_the_device() -> None:
    assert MakerCall(("S", "device=device"), "length", device="cuda:0").words == (
        "f(S, device=cuda:0)"
    )


def test_rows_of_a_length_are_those_of_the_positions_that_are_asked_for() -> None:
    tables = tables_at(of_length, MakerCall(("S", "D"), "length"), torch.tensor([0, 1, 5]))
    assert torch.allclose(
        tables.angles[:, 0], torch.tensor([0.0, 1.0, 5.0 - 2 * torch.pi]).double()
    )


@pytest.mark.parametrize(
    ("axes", "shape"), [("sc", (4, 3)), ("1sc", (1, 4, 3)), ("c1s", (3, 1, 4)), ("cs", (3, 4))]
)
def test_points_are_laid_as_their_axes_say(axes: str, shape: tuple[int, ...]) -> None:
    call = MakerCall(("positions",), "given", point_axes=axes, coordinates=3)
    points = lay_positions(call, torch.arange(4))
    assert points.shape == shape
    last = points.reshape(shape)[..., -1, :] if axes.endswith("sc") else points[..., -1]
    assert last.flatten().tolist() == [3, 6, 9]


def test_tables_that_stand_still_are_none() -> None:
    call = MakerCall(("S",), "length")
    with pytest.raises(NotTables):
        first_tables(unmoved, call)
    assert tables_or_none(unmoved, call) is None


def test_positions_that_change_nothing_are_noticed() -> None:
    call = MakerCall(("positions",), "given", "bhsd")
    assert first_tables(of_no_positions, call, must_read_positions=False).ignores
    with pytest.raises(NotTables):
        first_tables(of_no_positions, call)
    trials = try_arguments(_maker(of_no_positions))
    assert [finding.code for finding in trials.remarks] == ["positions-ignored"]
    assert "position_ids changes nothing" in trials.remarks[0].message


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (of_first_row, "uses the positions of the first batch row for all rows"),
        (of_sums, "adds the positions of all batch rows up"),
    ],
)
def test_batch_rows_that_do_not_turn_by_their_own_positions(
    function: Callable[..., Any], words: str
) -> None:
    (finding,) = try_arguments(_maker(function)).remarks
    assert finding.code == "per-batch"
    assert finding.message.startswith(words)


def test_batch_rows_of_their_own_positions_are_evidence() -> None:
    trials = try_arguments(_maker(of_positions))
    assert trials.remarks == []
    assert [told.says for told in trials.evidence] == ["each batch row its own"]


def test_an_offset_moves_rows_or_is_a_mistake() -> None:
    moves = row_offsets.effect_of(_maker(with_offset), "offset")
    assert getattr(moves, "says", "") == "from offset on"
    idle = row_offsets.effect_of(_maker(without_offset), "offset")
    assert getattr(idle, "message", "") == "offset changes nothing: rows begin at 0 whatever it is"
    off = row_offsets.effect_of(_maker(late), "offset")
    assert getattr(off, "message", "").startswith("with offset=3 its rows begin at 4")


def test_the_first_row_is_found_among_the_usual_ones() -> None:
    longer = torch.randn(13, 4, generator=torch.Generator().manual_seed(0))
    assert row_offsets.first_row([longer[3:12]], [longer[:9]], [longer]) == 3
    assert row_offsets.first_row([longer[:9]], [longer[:9]], [longer]) == 0
    assert row_offsets.first_row([longer[2:11]], [longer[:9]], [longer]) == 2
    assert row_offsets.first_row([-longer[:9]], [longer[:9]], [longer]) is None


def test_tensors_are_taken_from_whatever_comes_back() -> None:
    x = torch.ones(2)
    assert len(tensors_of({"cos": x, "name": "sin"})) == 1
    assert len(tensors_of([x, x, None])) == 2
    assert tensors_of(None) == []


def test_a_function_whose_rows_never_turn_says_so() -> None:
    def still(position_ids: Tensor) -> tuple[Tensor, Tensor]:
        return _tables(0 * position_ids)

    assert "gives cos 1 and sin 0 at every position" in maker_search.never_turns(still, CPU)
    assert maker_search.never_turns(of_positions, CPU) == ""


def build(
    dim: int, base: float = 10000.0, scaling_factor: float = 1.0, rope_type: str | None = None
) -> None:
    """Numbers that should have an effect."""


def test_a_number_is_tried_with_another_value() -> None:
    import inspect

    names = {
        name: (usual, other)
        for name, usual, other in trials(inspect.signature(build).parameters, 4)
    }
    assert names == {"base": ({"base": 10000.0}, {"base": 500000.0})}


def make_position_ids(attention_mask: Tensor) -> Tensor:
    """Positions (B, S) of a mask."""
    return (attention_mask.cumsum(-1) - 1).clamp(min=0)


def make_plain_position_ids(attention_mask: Tensor) -> Tensor:
    """Positions that begin with the padding."""
    return torch.arange(attention_mask.shape[-1]).expand_as(attention_mask)


def make_packed_position_ids(cu_seqlens: Tensor) -> Tensor:
    """Positions that begin anew with each sequence."""
    lengths = cu_seqlens.diff().tolist()
    return torch.cat([torch.arange(length) for length in lengths])


def test_positions_of_a_mask_begin_with_the_first_token() -> None:
    (maker, _) = position_makers.position_makers(make_position_ids)
    usual = maker.rows(position_makers.NO_PADDING)
    assert usual is not None
    words = position_makers.of_mask(maker, usual).words
    assert words is not None
    assert words.endswith("with padding on the left or on the right")


def test_a_mask_that_changes_nothing_is_a_mistake() -> None:
    (maker, _) = position_makers.position_makers(make_plain_position_ids)
    usual = maker.rows(position_makers.NO_PADDING)
    assert usual is not None
    mistake = position_makers.of_mask(maker, usual).mistake
    assert mistake is not None
    assert mistake.code == "idle-argument"


def test_packed_sequences_begin_anew() -> None:
    maker = position_makers.position_makers(make_packed_position_ids)[0]
    assert maker.of_sequences
    usual = maker.rows(position_makers.STARTS)
    assert usual is not None
    assert usual.tolist() == [[0, 1, 0, 1, 2, 3]]
    assert position_makers.of_starts(maker, usual).words is not None
    in_a_row = position_makers.of_starts(maker, torch.arange(6)[None])
    assert in_a_row.mistake is not None
    assert in_a_row.mistake.code == "sequences"
