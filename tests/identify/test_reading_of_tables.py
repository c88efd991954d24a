"""Matrices made by hand from tables that were handed over:
what is read off them, and of which mistake they are."""

import pytest
import torch
from torch import Tensor

from rotcheck.identify.reading.handed_tables import read_handed_tables
from rotcheck.identify.reading.mistake_matrices import matrices
from rotcheck.identify.reading.probe_sizes import ProbeSizes, distinct_tables, probe_tables
from rotcheck.measure.pair_changes import turn

PROBE = ProbeSizes()
WIDTH = PROBE.width
HALF = WIDTH // 2
COS, SIN = distinct_tables(PROBE, HALF)  # (S, P) each, half-width


def repeat(table: Tensor, pairing: str) -> Tensor:
    """Each pair's value at both of its lanes (S, W)."""
    return table.repeat(1, 2) if pairing == "half" else table.repeat_interleave(2, -1)


def matrix(pairing: str, direction: int = 1) -> Tensor:
    """The matrices (S, D, D) of a rotation by half-width tables."""
    return matrices(turn, repeat(COS, pairing), direction * repeat(SIN, pairing), pairing)  # type: ignore[arg-type]


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("pairing", ["half", "interleaved"])
def test_a_rotation_tells_its_pairing_and_direction(pairing: str, direction: int) -> None:
    reading = read_handed_tables(matrix(pairing, direction), COS, SIN)
    assert (reading.problem, reading.pairing, reading.direction) == ("", pairing, direction)
    assert (reading.rotary_dim, reading.output_lanes, reading.table_lanes) == (WIDTH, "same", None)


def test_full_width_tables_tell_the_order_in_which_they_repeat() -> None:
    cos, sin = distinct_tables(PROBE, WIDTH)  # all entries differ: each lane shows its column
    lanes = torch.arange(WIDTH)
    columns = torch.cat((lanes[::2], lanes[::2]))  # of each lane, in halves
    result = torch.diag_embed(cos[:, columns])
    sign = torch.where(lanes < HALF, -1.0, 1.0)
    result[:, lanes, (lanes + HALF) % WIDTH] = sin[:, columns] * sign
    reading = read_handed_tables(result, cos, sin)
    assert (reading.problem, reading.pairing, reading.table_lanes) == ("", "half", "interleaved")
    half_read = read_handed_tables(
        matrices(turn, repeat(cos[:, :HALF], "half"), repeat(sin[:, :HALF], "half"), "half"),
        cos,
        sin,
    )
    assert (half_read.problem, half_read.table_lanes) == ("", "half")
    assert half_read.unread == "second half"


def test_interleaved_pairs_that_are_written_as_halves_are_de_interleaved() -> None:
    order = torch.cat((torch.arange(0, WIDTH, 2), torch.arange(1, WIDTH, 2)))
    reading = read_handed_tables(matrix("interleaved")[:, order], COS, SIN)
    assert (reading.problem, reading.pairing) == ("", "interleaved")
    assert reading.output_lanes == "de-interleaved"


def test_halves_that_are_written_as_neighbours_are_interleaved() -> None:
    order = torch.stack((torch.arange(HALF), torch.arange(HALF) + HALF), -1).flatten()
    reading = read_handed_tables(matrix("half")[:, order], COS, SIN)
    assert (reading.problem, reading.pairing, reading.output_lanes) == ("", "half", "interleaved")


def test_a_partial_rotation_leaves_the_lanes_behind_it() -> None:
    cos, sin = COS[:, : HALF // 2], SIN[:, : HALF // 2]
    result = torch.eye(WIDTH, dtype=torch.float64).repeat(len(cos), 1, 1)
    result[:, :HALF, :HALF] = matrices(turn, cos.repeat(1, 2), sin.repeat(1, 2), "half")
    reading = read_handed_tables(result, cos, sin)
    assert (reading.problem, reading.pairing, reading.rotary_dim) == ("", "half", HALF)


def test_lanes_in_the_middle_that_rotate_follow_no_convention() -> None:
    cos, sin = COS[:, : HALF // 2], SIN[:, : HALF // 2]
    result = torch.eye(WIDTH, dtype=torch.float64).repeat(len(cos), 1, 1)
    result[:, 4:12, 4:12] = matrices(turn, cos.repeat(1, 2), sin.repeat(1, 2), "half")
    reading = read_handed_tables(result, cos, sin)
    assert reading.problem == "no-convention"
    assert reading.words == "lanes 4 to 11 of 16 rotate, 8 in all: not the first ones"


def test_sin_in_the_place_of_cos_is_read_as_another_order_of_the_arguments() -> None:
    reading = read_handed_tables(matrix("half"), SIN, COS)
    assert (reading.problem, reading.sin_first, reading.pairing) == ("", True, "half")


@pytest.mark.parametrize(
    ("shift", "words"), [(1, "the next row's angle"), (-1, "the angle of the row before it")]
)
def test_another_row_of_the_tables_is_a_shift(shift: int, words: str) -> None:
    cos, sin = COS.roll(-shift, 0), SIN.roll(-shift, 0)
    result = matrices(turn, cos.repeat(1, 2), sin.repeat(1, 2), "half")
    reading = read_handed_tables(result, COS, SIN)
    assert (reading.problem, reading.shift) == ("shifted", shift)
    assert reading.words == f"rotates each row with {words}"


def test_rope_2d_pairs_halves_within_each_block() -> None:
    quarter = WIDTH // 4
    result = torch.zeros(len(COS), WIDTH, WIDTH, dtype=torch.float64)
    for block in range(2):
        cos = COS[:, block * quarter : (block + 1) * quarter].repeat(1, 2)
        sin = SIN[:, block * quarter : (block + 1) * quarter].repeat(1, 2)
        lanes = slice(block * HALF, (block + 1) * HALF)
        result[:, lanes, lanes] = matrices(turn, cos, sin, "half")
    reading = read_handed_tables(result, COS, SIN)
    assert (reading.problem, reading.blocks, reading.pairing) == ("no-convention", 2, None)
    assert reading.words.startswith("rotates halves within each of 2 blocks")


def test_tables_of_the_other_pairing_are_named() -> None:
    cos, sin = repeat(COS, "interleaved"), repeat(SIN, "interleaved")
    reading = read_handed_tables(matrices(turn, cos, sin, "half"), COS, SIN)
    assert (reading.problem, reading.pairing) == ("pairing-of-tables", "half")


@pytest.mark.parametrize("pairing", ["half", "interleaved"])
def test_known_mistakes_are_named(pairing: str) -> None:
    once = matrix(pairing)
    twice = read_handed_tables(once @ once, COS, SIN)
    assert (twice.problem, twice.pairing) == ("rotated-twice", pairing)
    back = read_handed_tables(matrix(pairing, -1) @ once, COS, SIN)
    assert back.problem == "rotated-back"
    aliasing = once.clone()  # the second lane of a pair is made with the first one's new value
    lanes = torch.arange(WIDTH)
    partner = (lanes + HALF) % WIDTH if pairing == "half" else lanes ^ 1
    for second in lanes[partner < lanes].tolist():
        first = int(partner[second])
        column = first % HALF if pairing == "half" else first // 2
        aliasing[:, second] = 0.0
        aliasing[:, second, second] = COS[:, column]
        aliasing[:, second] += SIN[:, column, None] * once[:, first]
    assert read_handed_tables(aliasing, COS, SIN).problem == "aliasing"


def test_what_does_not_rotate_is_said() -> None:
    eye = torch.eye(WIDTH, dtype=torch.float64).repeat(len(COS), 1, 1)
    assert read_handed_tables(eye, COS, SIN).problem == "not-rotated"
    cos_alone = torch.diag_embed(repeat(COS, "half"))
    assert read_handed_tables(cos_alone, COS, SIN).problem == "imaginary-dropped"
    one_sign = matrix("half").abs()
    assert read_handed_tables(one_sign, COS, SIN).problem == "one-sign"
    mixture = torch.ones_like(eye)
    assert read_handed_tables(mixture, COS, SIN).words == "a lane depends on more than two others"
    noise = torch.diag_embed(repeat(COS, "half") * 0.9)
    assert read_handed_tables(noise, COS, SIN).words.startswith("lanes hold what is neither cos")


@pytest.mark.parametrize("form", ["half-width", "repeated", "complex", "stacked", "matrix"])
def test_no_entry_of_a_row_of_the_tables_is_like_another(form: str) -> None:
    _, cos, sin = probe_tables(form, PROBE)
    entries = torch.cat((cos.abs(), sin.abs()), -1).sort(-1).values
    assert float(entries.diff(dim=-1).min()) > 5e-4


ONE_ROW, ONE_PAIR = (
    "takes one row of the table for every row",
    "takes one entry of the table for every pair",
)


@pytest.mark.parametrize(
    ("cos", "sin", "words"),
    [
        (COS, SIN, ""),
        (COS.roll(1, -1), SIN.roll(1, -1), ""),
        (COS[:, :1].expand_as(COS), SIN[:, :1].expand_as(SIN), ONE_PAIR),
        (COS[:, 2:3].expand_as(COS), SIN, ONE_PAIR),
        (COS[:1].expand_as(COS), SIN[:1].expand_as(SIN), ONE_ROW),
        (COS[:1].expand_as(COS), SIN, ONE_ROW),
        (
            COS[:1, :1].expand_as(COS),
            COS[:1, :1].expand_as(SIN),
            "takes one entry of the table for every row",
        ),
    ],
    ids=["right", "other pairs", "first pair", "cos of a pair", "first row", "cos of a row", "one"],
)
def test_a_table_of_which_one_entry_serves_many_was_broadcast(
    cos: Tensor, sin: Tensor, words: str
) -> None:
    """Probably it is no table of this shape: the call is amiss, and not the function."""
    turned = matrices(turn, repeat(cos, "half"), repeat(sin, "half"), "half")
    assert read_handed_tables(turned, COS, SIN).broadcast == words
