"""Results made by hand with one defect: where it is, and what it is, in words."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.identify.reading.caller import Caller, Sample
from rotcheck.identify.reading.defects import NO_DEFECT, find_defect
from rotcheck.identify.reading.formulas import lane_formulas
from rotcheck.identify.reading.locations import span, where
from rotcheck.identify.reading.probe_sizes import ProbeSizes, distinct_tables, random_values
from rotcheck.identify.reading.response import Response, measure_response
from rotcheck.identify.reading.rotation_terms import nearest_convention
from rotcheck.identify.reading.unrotated_results import read_unrotated, varies

PROBE = ProbeSizes()
SHAPE = (PROBE.batch, PROBE.length, PROBE.heads, PROBE.width)  # (B, S, H, D)
HALF = PROBE.width // 2
COS, SIN = distinct_tables(PROBE, HALF)  # (S, P)
C, S = (table.repeat(1, 2)[None, :, None] for table in (COS, SIN))  # (1, S, 1, D)
X = random_values(SHAPE)
ONE = Convention("half", "bshd", "half-width", arguments=("x", "cos", "sin"), table_axes="s1w")
TWO = Convention("half", "bshd", "half-width", arguments=("q", "k", "cos", "sin"), table_axes="s1w")


def partner(x: Tensor) -> Tensor:
    """Of each lane its partner, with the sign with which it comes."""
    return torch.cat((-x[..., HALF:], x[..., :HALF]), -1)


def rotate(x: Tensor) -> Tensor:
    """The rotation by the tables, half pairing."""
    return x * C + partner(x) * S


def response(outputs: Tensor, *more: Tensor) -> Response:
    """What a function gave back for X, or for as many tensors."""
    results = (outputs, *more)
    inputs = tuple(random_values(SHAPE, slot) for slot in range(len(results)))
    sample = Sample(ONE if len(results) == 1 else TWO, inputs, results)
    return Response((), COS, SIN, sample)


def words(outputs: Tensor, *more: Tensor) -> str:
    """What departs in a result."""
    return find_defect(response(outputs, *more), PROBE.positions).words


def changed(result: Tensor, part: tuple[object, ...], values: Tensor) -> Tensor:
    """A result with other values in a part."""
    copy = result.clone()
    copy[part] = values[part]
    return copy


RIGHT = rotate(X)
ALL = slice(None)
DEFECTS: dict[str, Tensor] = {
    "all lanes in the last head come back unrotated": changed(RIGHT, (ALL, ALL, -1), X),
    "all lanes from row 3 on come back unrotated": changed(RIGHT, (ALL, slice(3, None)), X),
    "all lanes in batch row 2 come back as zeros": changed(RIGHT, (2,), 0 * X),
    "lanes 0 to 7 hold + sin where - sin belongs": changed(
        RIGHT, (..., slice(HALF)), X * C - partner(X) * S
    ),
    "lanes 8 to 15 lack the term with cos": changed(
        RIGHT, (..., slice(HALF, None)), partner(X) * S
    ),
    "lane 5 take sin for cos and cos for sin": changed(RIGHT, (..., 5), X * S + partner(X) * C),
    "all lanes in all heads but the first turn as row 0": changed(
        RIGHT, (ALL, ALL, slice(1, None)), X * C[:, :1] + partner(X) * S[:, :1]
    ),
    "all lanes turn with the next row's angle": X * C.roll(-1, 1) + partner(X) * S.roll(-1, 1),
    "all lanes turn twice": rotate(RIGHT),
}


@pytest.mark.parametrize("expected", DEFECTS)
def test_a_defect_is_placed_and_named(expected: str) -> None:
    assert words(DEFECTS[expected]) == expected


def test_a_defect_of_k_alone_names_k() -> None:
    k = random_values(SHAPE, 1)
    assert words(RIGHT, k) == "all lanes of k come back unrotated"


def test_two_defects_at_once_are_both_named() -> None:
    both = changed(RIGHT, (ALL, ALL, -1), X)
    both[:, :, :-1, 3] = 0.0
    assert words(both) == (
        "all lanes in the last head come back unrotated, and lane 3 in heads 0 to 5 come back as zeros"
    )


def test_what_no_known_defect_gives_is_said_to_be_something_else() -> None:
    defect = find_defect(
        response(changed(RIGHT, (..., 3), random_values(SHAPE, 9))), PROBE.positions
    )
    assert defect.vague
    assert defect.words == "lane 3 hold something else than the rotation"


def test_nothing_departs_in_a_rotation_and_nothing_is_near_noise() -> None:
    assert words(RIGHT) == ""
    assert find_defect(response(random_values(SHAPE, 9)), PROBE.positions) == NO_DEFECT


def caller(function: Callable[..., Tensor]) -> Caller:
    """Calls a function on the CPU."""
    return Caller(function, torch.device("cpu"), PROBE, torch.float64)


def sample_of(function: Callable[..., Tensor]) -> Sample:
    """A call of a function with X."""
    return Sample(ONE, (X,), caller(function).call(ONE, [X]))


def partner_of_lane_0(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """A rotation whose lane 0 takes its partner with cos too."""
    c, s = cos.repeat(1, 1, 2), sin.repeat(1, 1, 2)
    result = x * c + partner(x) * s
    result[..., 0] = x[..., 8] * cos[..., 0] - x[..., 8] * sin[..., 0]
    return result


def test_what_a_lane_is_made_of_is_a_formula() -> None:
    calls = caller(partner_of_lane_0)
    sample = Sample(ONE, (X,), calls.call(ONE, [X]))
    nearest = nearest_convention(measure_response(calls, sample), PROBE.positions)
    assert nearest is not None
    assert lane_formulas(calls, sample, nearest, COS, SIN) == (
        "lane 0 are made as x[8]*(cos[0] - sin[0]), where x[0]*cos[0] - x[8]*sin[0] belongs"
    )


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (X, "x comes back as it was: cos and sin turn nothing"),
        (3 * X, "x comes back times 3: cos and sin turn nothing"),
        (X + 0.5, "x comes back with 0.5 added: cos and sin turn nothing"),
        (X * torch.nan, "x comes back as NaN"),
    ],
)
def test_what_comes_back_unrotated_is_said(outputs: Tensor, said: str) -> None:
    reading = read_unrotated(Sample(ONE, (X,), (outputs,)))
    assert reading is not None
    assert reading.words == said


def test_a_rotation_is_not_unrotated() -> None:
    assert read_unrotated(Sample(ONE, (X,), (RIGHT,))) is None


def test_a_function_of_chance_and_one_that_can_be_called_once_vary() -> None:
    def once(x: Tensor, *_: Tensor) -> Tensor:
        if first:
            return first.pop() * x
        raise RuntimeError("called again")

    first = [1.0]
    chance = caller(lambda x, *_: x * torch.rand(()))
    assert varies(chance, Sample(ONE, (X,), chance.call(ONE, [X])))
    single = caller(once)
    assert varies(single, Sample(ONE, (X,), single.call(ONE, [X])))
    steady = caller(lambda x, *_: 2 * x)
    assert not varies(steady, Sample(ONE, (X,), steady.call(ONE, [X])))


def test_a_response_tells_along_which_axis_else_it_differs() -> None:
    def by_head(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return x * torch.arange(1.0, 1.0 + x.shape[2])[:, None]

    def by_batch(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return x * torch.arange(1.0, 1.0 + x.shape[0])[:, None, None, None]

    def across_rows(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return x + x.roll(1, 1)

    for function, uneven, mixes in (
        (by_head, "head", False),
        (by_batch, "batch", False),
        (across_rows, "", True),
    ):
        measured = measure_response(caller(function), sample_of(function))
        assert (measured.uneven, measured.mixes) == (uneven, mixes)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([3], "3"),
        ([1, 2], "1 and 2"),
        ([8, 9, 10], "8 to 10"),
        ([1, 3, 5, 7], "1, 3, 5, ... to 7"),
        ([0, 1, 4, 9, 16, 25, 36], "0, 1, 4, 9, 16, 25, ..."),
    ],
)
def test_numbers_in_words(numbers: list[int], text: str) -> None:
    assert span(numbers) == text


def test_a_place_is_described_by_its_axes() -> None:
    departs = torch.zeros(2, *SHAPE, dtype=torch.bool)
    departs[1, 2, 1:3] = True
    assert where(departs, ("q", "k")) == "all lanes of k in batch row 2 in rows 1 and 2"
    departs = torch.zeros(1, *SHAPE, dtype=torch.bool)
    departs[..., 1:, ::2] = True
    assert where(departs, ("x",)) == "lanes 0, 2, 4, ... to 14 in all heads but the first"
