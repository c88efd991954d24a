"""Each question asked of small functions with a search result that is made here:
what it finds, and what it leaves."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rotcheck.convention import Convention
from rotcheck.identify.asking import (
    batch_rows,
    call_refinement,
    grouped_heads,
    idle_arguments,
    last_lanes,
    many_rows,
    measured_response,
    narrow_tables,
    packed_sequences,
    padding_mask,
    point_coordinates,
    prints_and_warnings,
    question,
    row_indices,
    single_row,
    stores_outside,
)
from rotcheck.identify.asking.accepted_inputs import accepted_inputs, takes_narrower_tables
from rotcheck.identify.asking.bfloat16_rule import dtype_rule
from rotcheck.identify.asking.capabilities import capabilities
from rotcheck.identify.asking.function_under_test import FunctionUnderTest, judge
from rotcheck.identify.asking.gradients import of_training
from rotcheck.identify.asking.question import Answer
from rotcheck.identify.asking.random_values import of_values
from rotcheck.identify.calling.call_match import Match, measure_call
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.probe_sizes import usual_sizes
from rotcheck.measure.case import Sizes
from rotcheck.results import Remark

CPU = torch.device("cpu")
SIZES = Sizes(width=16, positions=(0, 1, 2, 3, 7, 63, 257))
TABLES = Convention(
    "half",
    "bshd",
    "repeated",
    arguments=("q", "k", "cos", "sin"),
    table_axes="sw",
)
ONE = replace(TABLES, arguments=("x", "cos", "sin"))
INDEXED = replace(ONE, arguments=("x", "cos", "sin", "positions"), position_axes="s")
OWN = Convention(
    "half", "bshd", "positions", arguments=("x", "positions"), positions="any", position_axes="bs"
)
Rope = Callable[..., Any]


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


def right(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate (B, S, H, D) by tables (S, D)."""
    return _turn(q, cos[:, None], sin[:, None]), _turn(k, cos[:, None], sin[:, None])


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate (B, S, H, D) by tables (S, D)."""
    return _turn(x, cos[:, None], sin[:, None])


def _match(function: Rope, convention: Convention, **sizes: Any) -> Match:
    return measure_call(Caller(function, CPU, usual_sizes(**sizes)), convention)


def _under_test(function: Rope, convention: Convention) -> FunctionUnderTest:
    return FunctionUnderTest(function, convention, CPU)


def _codes(remarks: Any) -> list[tuple[str, bool]]:
    return [(remark.code, remark.mistake) for remark in remarks]


def _of_values(asked: Any, function: Rope, convention: Convention) -> list[Remark]:
    """What a question about values finds."""
    remarks: list[Remark] = asked.QUESTION.ask(
        _under_test(function, convention), SIZES, _match(function, convention)
    )
    return remarks


@pytest.mark.parametrize(
    "asked",
    [last_lanes, measured_response, narrow_tables, packed_sequences, padding_mask, stores_outside],
)
def test_a_right_function_leaves_no_remark_of_a_question_about_its_call(asked: Any) -> None:
    assert asked.QUESTION.ask(_match(right, TABLES)) == Answer()


@pytest.mark.parametrize("asked", [row_indices, many_rows, single_row, batch_rows, grouped_heads])
def test_a_right_function_leaves_no_remark_of_a_question_about_values(asked: Any) -> None:
    assert _of_values(asked, right, TABLES) == []


def test_every_question_is_found_by_its_file_and_has_a_place_of_its_own() -> None:
    calls, values = question.call_questions(), question.value_questions()
    assert padding_mask.QUESTION in calls
    assert grouped_heads.QUESTION in values
    assert len({call.rank for call in calls}) == len(calls)
    assert len({(value.round, value.rank) for value in values}) == len(values)


def test_no_question_about_values_is_asked_once_a_mistake_is_known() -> None:
    def never(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        raise AssertionError("it was called")

    mistake = Remark(code="pairing", message="wrong", evidence="seen")
    function = _under_test(never, ONE)
    match = _match(rotate, ONE)
    assert question.ask_values(function, SIZES, match, [mistake], with_values=True) == []


def test_a_question_that_explains_all_leaves_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    remark = Remark(code="writes-outside", message="writes outside", evidence="seen")
    other = Remark(code="mixes", message="mixes", evidence="seen")
    questions = [
        question.CallQuestion(1, lambda match: Answer((other,))),
        question.CallQuestion(2, lambda match: Answer((remark,)), explains_all=True),
    ]
    monkeypatch.setattr(question, "call_questions", lambda: questions)
    answer = question.ask_call(_match(rotate, ONE), Answer(doubt="unclear"))
    assert answer == Answer((remark,), (), "unclear")


def test_sequences_begin_anew_or_are_taken_row_by_row() -> None:
    packed = replace(ONE, layout="thd", arguments=("x", "cos", "sin", "cu_seqlens"))

    def anew(x: Tensor, cos: Tensor, sin: Tensor, cu_seqlens: Tensor) -> Tensor:
        rows = torch.cat([torch.arange(length) for length in cu_seqlens.diff().tolist()])
        return rotate(x, cos[rows], sin[rows])

    def row_by_row(x: Tensor, cos: Tensor, sin: Tensor, cu_seqlens: Tensor) -> Tensor:
        return rotate(x, cos[: len(x)], sin[: len(x)])

    answer = packed_sequences.QUESTION.ask(_match(anew, packed))
    assert [told.says for told in answer.evidence] == ["begin anew with each sequence"]
    answer = packed_sequences.QUESTION.ask(_match(row_by_row, packed))
    assert _codes(answer.remarks) == [("sequences", True)]
    assert answer.remarks[0].message.startswith(packed_sequences.ROW_BY_ROW)


class Masked(nn.Module):
    """Rotates by the positions of a mask."""

    def forward(self, x: Tensor, attention_mask: Tensor) -> Tensor:
        """Positions begin with the first token of a row."""
        positions = (attention_mask.cumsum(-1) - 1).clamp(min=0)
        angles = positions[..., None] / 10000 ** (torch.arange(0, 16, 2) / 16)
        table = torch.cat((angles, angles), -1)[:, :, None]
        return _turn(x, table.cos(), table.sin())


class OffByOne(Masked):
    """Positions of a padded row begin at 1."""

    def forward(self, x: Tensor, attention_mask: Tensor) -> Tensor:
        """Count one more in a padded row."""
        return super().forward(x, attention_mask + (attention_mask.min(-1, keepdim=True)[0] == 0))


def test_a_padded_row_begins_at_its_first_token_or_is_not_understood() -> None:
    convention = Convention(
        "half", "bshd", "positions", arguments=("x", "mask"), positions="from 0"
    )
    answer = padding_mask.QUESTION.ask(_match(Masked().forward, convention))
    assert answer.doubt is None
    assert answer.evidence[0].says.endswith("by `attention_mask`")
    doubt = padding_mask.QUESTION.ask(_match(OffByOne().forward, convention)).doubt
    assert doubt is not None
    assert "a row's first token is not at position 0" in doubt


def test_the_last_lanes_of_a_wider_head_turn() -> None:
    def last(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        width = cos.shape[-1]
        return torch.cat((x[..., :-width], rotate(x[..., -width:], cos, sin)), -1)

    def last_documented(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Rotate the first rotary_dim lanes."""
        return last(x, cos, sin)

    answer = last_lanes.QUESTION.ask(_match(last, ONE))
    assert _codes(answer.remarks) == [("rotary-dim", False)]
    answer = last_lanes.QUESTION.ask(_match(last_documented, ONE))
    assert _codes(answer.remarks) == [("rotary-dim", True)]


def test_narrow_tables_that_turn_the_wrong_lanes_are_a_mistake() -> None:
    def cleared(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        width = cos.shape[-1]
        return torch.cat((rotate(x[..., :width], cos, sin), 0 * x[..., width:]), -1)

    answer = narrow_tables.QUESTION.ask(_match(cleared, ONE))
    assert _codes(answer.remarks) == [("rotary-dim", True)]
    assert answer.remarks[0].message.startswith("with tables for half of the lanes, ")


def test_the_matrices_tell_of_heads_that_turn_apart_and_of_v() -> None:
    def by_head(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        heads = torch.arange(x.shape[2]) % x.shape[1]
        return _turn(x, cos[heads], sin[heads])

    codes = _codes(measured_response.QUESTION.ask(_match(by_head, ONE)).remarks)
    assert ("per-head", True) in codes

    def with_v(q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor) -> Any:
        return rotate(q, cos, sin), rotate(k, cos, sin), rotate(v, cos, sin)

    convention = replace(TABLES, arguments=("q", "k", "v", "cos", "sin"))
    answer = measured_response.QUESTION.ask(_match(with_v, convention))
    assert _codes(answer.remarks) == [("v-rotated", True)]


def test_a_negative_angle_is_a_choice() -> None:
    def back(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return rotate(x, cos, -sin)

    answer = measured_response.QUESTION.ask(_match(back, ONE))
    assert _codes(answer.remarks) == [("direction", False)]


def test_positions_that_the_tables_are_not_indexed_by_are_ignored() -> None:
    def ignoring(x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor) -> Tensor:
        return rotate(x, cos[: x.shape[1]], sin[: x.shape[1]])

    def indexing(x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor) -> Tensor:
        return rotate(x, cos[positions], sin[positions])

    assert _of_values(row_indices, indexing, INDEXED) == []
    (finding,) = _of_values(row_indices, ignoring, INDEXED)
    assert finding.code == "positions-ignored"
    assert finding.message.startswith("positions changes nothing")


def test_rows_past_the_end_of_a_table_are_found_in_many_rows() -> None:
    def clamped(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows = torch.arange(x.shape[1]).clamp(max=99)
        return rotate(x, cos[rows], sin[rows])

    (finding,) = _of_values(many_rows, clamped, ONE)
    assert finding.code == "row-past-table"
    assert finding.message == "rows from 100 on turn as row 99"


def test_a_single_row_that_is_not_turned_is_a_mistake() -> None:
    def decoding(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return x if x.shape[1] == 1 else rotate(x, cos, sin)

    (finding,) = _of_values(single_row, decoding, ONE)
    assert finding.code == "one-row"
    assert finding.message.startswith("with a single row, as in decoding: ")


def _angles(positions: Tensor, width: int) -> Tensor:
    angles = positions[..., None].double() / 10000 ** (torch.arange(0, width, 2).double() / width)
    return torch.cat((angles, angles), -1)[:, :, None]


def test_the_positions_of_one_batch_row_do_not_serve_all() -> None:
    def own(x: Tensor, positions: Tensor) -> Tensor:
        angles = _angles(positions, x.shape[-1])
        return _turn(x, angles.cos().to(x), angles.sin().to(x))

    def first(x: Tensor, positions: Tensor) -> Tensor:
        return own(x, positions[:1])

    assert _of_values(batch_rows, own, OWN) == []
    assert _codes(_of_values(batch_rows, first, OWN)) == [("per-batch", True)]


def test_k_of_fewer_heads_is_asked_for() -> None:
    def with_heads_of_q(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Any:
        """Rotate q and k; num_kv_heads may be fewer."""
        turned = rotate(k, cos, sin)
        fewer = k.shape[2] < q.shape[2]
        return rotate(q, cos, sin), k if fewer else turned

    (finding,) = _of_values(grouped_heads, with_heads_of_q, TABLES)
    assert (finding.code, finding.mistake) == ("gqa", True)
    assert finding.message.startswith("with 2 heads in k and 4 in q ")

    def refusing(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> Any:
        return right(q + 0 * k, k, cos, sin)

    assert _of_values(grouped_heads, refusing, TABLES) == []


def of_points(x: Tensor, positions: Tensor) -> Tensor:
    """Half of the pairs with each coordinate of points (B, S, 2)."""
    frequencies = 1 / 100 ** (torch.arange(4).double() / 4)
    angles = (positions[..., None].double() * frequencies).flatten(-2)  # (B, S, 8)
    table = torch.cat((angles, angles), -1)[:, :, None]
    return _turn(x, table.cos().to(x), table.sin().to(x))


def test_each_coordinate_of_a_point_turns_pairs_of_its_own() -> None:
    convention = replace(OWN, position_axes="bs2")
    answer = point_coordinates.QUESTION.ask(_match(of_points, convention))
    assert answer.remarks == ()
    says = answer.evidence[0].says
    assert (
        says == "points of 2 coordinates: pairs 0 to 3 with coordinate 0, 4 to 7 with coordinate 1"
    )

    def of_one(x: Tensor, positions: Tensor) -> Tensor:
        return of_points(x, positions[..., :1].expand_as(positions))

    answer = point_coordinates.QUESTION.ask(_match(of_one, convention))
    assert _codes(answer.remarks) == [("coordinates", True)]
    assert answer.remarks[0].message == "turns no pair with coordinate 1 of 2"


def test_values_are_held_against_float64() -> None:
    error, remarks = of_values(_under_test(right, TABLES), SIZES)
    assert remarks == []
    assert error is not None
    assert error < 2

    def swapped(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return rotate(x, sin, cos)

    assert judge(_under_test(swapped, ONE), SIZES)[1] is not None
    error, (finding,) = of_values(_under_test(lambda x, cos: x, ONE), SIZES)
    assert error is None
    assert finding.code == "raised"


def test_what_a_function_does_in_memory_and_in_bfloat16_is_seen() -> None:
    def in_place(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return x.copy_(rotate(x, cos, sin))

    def to_tables(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        result = rotate(x, cos, sin)
        cos.zero_()
        return result

    assert not capabilities(_under_test(rotate, ONE), SIZES).in_place
    assert capabilities(_under_test(in_place, ONE), SIZES).in_place
    codes = _codes(capabilities(_under_test(to_tables, ONE), SIZES).remarks)
    assert codes == [("writes-tables", True)]

    def in_float32(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return rotate(x.float(), cos.float(), sin.float()).to(x)

    rule = dtype_rule(_under_test(in_float32, ONE), SIZES)
    assert rule.fault is None
    assert rule.words == "keeps the dtype, computes in float32 and rounds once"
    assert (dtype_rule(_under_test(rotate, ONE), SIZES).words or "").startswith(
        "keeps the dtype of what is wider, computes in the dtype"
    )


def test_what_it_takes_and_refuses_is_tried() -> None:
    def picky(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        if x.dtype == torch.float16:
            raise TypeError("float16 is too narrow")
        return rotate(x, cos, sin)

    answers, refusals = accepted_inputs(_under_test(picky, ONE), SIZES)
    assert answers["bfloat16"]
    assert answers["one row"]
    assert answers["an empty batch"]
    assert refusals == {"float16": "TypeError: float16 is too narrow"}
    assert not answers["float16"]
    assert not takes_narrower_tables(_under_test(rotate, ONE), SIZES)


def test_what_autograd_does_not_see_is_a_choice_or_a_mistake() -> None:
    def by_data(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x.data.copy_(rotate(x, cos, sin).detach())
        return x

    assert of_training(_under_test(rotate, ONE), SIZES, in_place=False) == []
    (finding,) = of_training(_under_test(by_data, ONE), SIZES, in_place=True)
    assert (finding.code, finding.mistake) == ("writes-input", True)


def test_an_argument_that_changes_nothing_is_found_and_one_that_does_is_not() -> None:
    def with_layer(x: Tensor, cos: Tensor, sin: Tensor, layer: int) -> Tensor:
        return rotate(x, cos, sin)

    convention = replace(ONE, arguments=("x", "cos", "sin", "3"))
    match = _match(with_layer, convention)
    assert idle_arguments.idle_arguments(match, ["layer", "cos"]) == ["layer"]
    assert not idle_arguments.ignores_input(match)


def test_a_rank_that_is_never_read_is_found_in_the_code() -> None:
    def sharded(x: Tensor, cp_rank: int, cp_size: int) -> Tensor:
        return x[: len(x) // cp_size]

    assert idle_arguments.unread_ranks(sharded) == ["cp_rank"]


def test_what_a_call_prints_is_worth_knowing() -> None:
    def talking(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        print("rotating")
        return rotate(x, cos, sin)

    (finding,) = prints_and_warnings.of_call(_match(talking, ONE))
    assert finding.message == "prints on a call: rotating"
    assert not finding.mistake


def test_a_function_of_one_width_and_number_of_heads_is_told_from_one_of_any() -> None:
    def of_16(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return rotate(x.reshape(*x.shape[:3], 16), cos, sin)

    assert call_refinement.takes_one_width(_match(of_16, ONE))
    assert not call_refinement.takes_one_width(_match(rotate, ONE))

    def of_5(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return rotate(x.reshape(*x.shape[:2], 5, x.shape[-1]), cos, sin)

    assert call_refinement.only_head_count(_match(of_5, ONE, heads=5)) == 5
    assert call_refinement.only_head_count(_match(rotate, ONE, heads=5)) is None
