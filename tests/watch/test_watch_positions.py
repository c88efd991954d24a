"""Which positions rows were turned by, and whether those of several ranks fit together."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor
from watching import watched

from rotcheck.results import RankPositions
from rotcheck.rotary.frequencies import wrap
from rotcheck.watch.inside.turn_positions import find_positions, runs_of
from rotcheck.watch.inside.turn_verdict import turn_verdict
from rotcheck.watch.rank_positions import Runs, rank_positions
from rotcheck.watch.records import Introduction, Record, RotationSighting
from rotcheck.witness.call_record import TensorTurn
from rotcheck.witness.turning import find_turn

D = 32
POSITIONS = {
    "a part": (range(5000, 5064), [[5000, 64]]),
    "packed": ([*range(40), *range(24)], [[0, 40], [0, 24]]),
    "two equal parts": ([*range(32, 64), *range(96, 128)], [[32, 32], [96, 32]]),
}


def _angles(positions: Tensor) -> Tensor:
    return wrap(positions[:, None].double() / 10000 ** (torch.arange(0, D, 2) / D))  # (S, P)


def _turned(positions: Tensor, dtype: torch.dtype) -> TensorTurn:
    generator = torch.Generator().manual_seed(0)
    before = torch.randn(1, len(positions), 2, D, generator=generator).to(dtype)
    angles = _angles(positions)[:, None]  # (S, 1, P)
    a, b = before.double().chunk(2, -1)
    after = torch.cat(
        (a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()), -1
    )
    turn = find_turn(before, after.to(dtype))
    assert turn is not None
    return TensorTurn("q", before, after.to(dtype), turn)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("positions", "runs"), POSITIONS.values(), ids=POSITIONS)
def test_rows_that_do_not_count_up_from_0_are_right_with_their_positions(
    positions: Any, runs: list[list[int]], dtype: torch.dtype
) -> None:
    verdict = turn_verdict(_turned(torch.tensor([*positions]), dtype), 1)
    assert (verdict["verdict"], verdict["positions"]) == ("agrees", runs)


@pytest.mark.parametrize(
    "positions",
    [torch.randperm(64), torch.arange(64) ** 2 / 7],
    ids=["no run", "no steps"],
)
def test_rows_without_whole_positions_are_neither_right_nor_wrong(positions: Tensor) -> None:
    assert find_positions(_angles(positions), 1e-4, D) is None
    assert turn_verdict(_turned(positions, torch.float32), 1)["verdict"] != "disagrees"


def test_xpos_is_neither_right_nor_wrong() -> None:
    turned = _turned(torch.arange(8), torch.float32)
    power = torch.linspace(0.3, 0.95, D // 2) ** (torch.arange(8)[:, None] / 512)  # (S, P)
    after = turned.after * power.repeat(1, 2)[:, None]
    turn = find_turn(turned.before, after)
    assert turn is not None
    verdict = turn_verdict(TensorTurn("q", turned.before, after, turn), 1)
    assert verdict["verdict"] == "unidentified"
    assert "as xPos does" in verdict["message"]


def test_twice_the_angles_of_a_plain_schedule_are_wrong() -> None:
    once = _turned(torch.arange(64), torch.float32)
    a, b = once.after.double().chunk(2, -1)
    cos, sin = (f(_angles(torch.arange(64)))[:, None] for f in (torch.cos, torch.sin))
    after = torch.cat((a * cos - b * sin, a * sin + b * cos), -1).float()
    turn = find_turn(once.before, after)
    assert turn is not None
    verdict = turn_verdict(TensorTurn("q", once.before, after, turn), 1)
    assert (verdict["verdict"], verdict["finding"]) == ("disagrees", "rotated-twice")


def test_rows_of_which_nothing_is_left_may_be_padding() -> None:
    turned = _turned(torch.arange(16), torch.float32)
    after = turned.after.clone()
    after[:, :3] = 0
    turn = find_turn(turned.before, after)
    assert turn is not None
    verdict = turn_verdict(TensorTurn("q", turned.before, after, turn), 1)
    assert (verdict["verdict"], verdict["positions"]) == ("unidentified", [])
    assert "3 of 16 tokens become zeros" in verdict["message"]


def test_a_step_of_decoding_is_neither_right_nor_wrong() -> None:
    verdict = turn_verdict(_turned(torch.arange(20, 22), torch.float32), 1)
    assert (verdict["verdict"], verdict["positions"]) == ("unidentified", [])


def test_many_runs_are_not_told() -> None:
    assert runs_of([0, 1, 5, 5]) == [[0, 2], [5, 1], [5, 1]]
    assert runs_of([0] * 20) == []


def _record(rank: int, runs: Runs) -> Record:
    first = Introduction(
        time=0.0, how="started", pid=rank, parent=0, command=(), python="3.11", rank=str(rank)
    )
    sighting = RotationSighting(
        time=1.0, place=("a.py", 1, "rotary"), module="a", function="rotary", owner="", argument="q",
        does="", angles="", verdict="agrees", finding="", message="", positions=runs, dtypes=(),
        devices=(),
    )  # fmt: skip
    return Record((first, sighting), "")


FITTING: list[list[Runs]] = [
    [((0, 64),), ((64, 64),)],
    [((0, 32), (96, 32)), ((32, 64),)],
    [((0, 64),), ((0, 64),), ((64, 64),), ((64, 64),)],  # two of data parallel, two of context
]
WRONG: list[tuple[list[Runs], str]] = [
    ([((0, 64),), ((63, 64),)], "positions 63 on ranks 0 and 1"),
    ([((0, 64),), ((70, 64),)], "positions 64 to 69 on none"),
    ([((32, 32), (0, 32)), ((64, 64),)], "positions those of rank 0 do not count up"),
]
APART: list[list[Runs]] = [
    [((0, 64),), ((0, 64),)],
    [((0, 64),), ((0, 57),)],  # sequences of their own
    [((0, 64),), ((70, 1),)],  # one decodes
    [((0, 64),)],
]


@pytest.mark.parametrize("ranks", FITTING)
def test_ranks_that_have_each_position_once_fit(ranks: list[Runs]) -> None:
    (fit,) = rank_positions([_record(rank, runs) for rank, runs in enumerate(ranks)])
    assert (fit.verdict, fit.message) == ("agrees", "each position once")


@pytest.mark.parametrize(("ranks", "message"), WRONG)
def test_positions_that_are_twice_missing_or_out_of_order_are_wrong(
    ranks: list[Runs], message: str
) -> None:
    (fit,) = rank_positions([_record(rank, runs) for rank, runs in enumerate(ranks)])
    assert (fit.verdict, fit.message) == ("disagrees", message)


@pytest.mark.parametrize("ranks", APART)
def test_nothing_is_said_of_ranks_that_do_not_split_a_sequence(ranks: list[Runs]) -> None:
    assert list(rank_positions([_record(rank, runs) for rank, runs in enumerate(ranks)])) == []


@pytest.fixture(scope="module")
def two_ranks() -> dict[str, RankPositions]:
    folder = Path(__file__).parent
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    seen = watched(folder, *launcher, "ranks_to_watch.py", OMP_NUM_THREADS="1")
    assert seen.code == 0, seen.errors
    assert {row.function for row in seen.watch.rows} >= {"whole_sequences", "parts_of_heads"}
    return {ranks.function: ranks for ranks in seen.watch.rank_positions}


@pytest.mark.parametrize(
    ("function", "collective"), [("each_from_0", "all_gather"), ("ring_from_0", "isend")]
)
def test_ranks_that_send_each_other_parts_which_all_begin_at_0_are_wrong(
    two_ranks: dict[str, RankPositions], function: str, collective: str
) -> None:
    ranks = two_ranks[function]
    assert ranks.verdict == "disagrees"
    words = f"on ranks 0 and 1, which send each other what was turned ({collective})"
    assert ranks.message == f"positions 0 to 15 {words}"


def test_ranks_with_parts_sequences_or_heads_of_their_own_are_not_accused(
    two_ranks: dict[str, RankPositions],
) -> None:
    assert two_ranks["of_own_part"].verdict == "agrees"
    assert two_ranks.keys() == {"of_own_part", "each_from_0", "ring_from_0"}


def test_a_part_that_more_ranks_have_than_others_is_wrong_where_all_ranks_were_seen() -> None:
    runs: list[Runs] = [((0, 64),), ((64, 64),), ((64, 64),)]
    records = [_record(rank, part) for rank, part in enumerate(runs)]
    (fit,) = rank_positions(records)
    assert fit.verdict == "agrees"  # perhaps the fourth has yet to come
    (fit,) = rank_positions([_of_world(record, 3) for record in records])
    assert fit.message == "positions 64 to 127 on ranks 1 and 2, others on fewer"


def _of_world(record: Record, size: int) -> Record:
    first, *rest = record.entries
    return Record((msgspec.structs.replace(first, world_size=str(size)), *rest), "")
