"""How much of a call one program of the Triton kernel rotates,
so that all of it fits into registers."""

from functools import lru_cache
from typing import NamedTuple

from rotcheck.rotary.call_plan import Plan

BYTES = 1 << 13  # of a tile as it is computed: 2048 lanes in float32, 1024 in float64
LEAST = 16  # lanes that a head is counted with: each head has an address of its own


class Tile(NamedTuple):
    """All lanes of some heads at some positions; powers of two, except for `programs`."""

    rows: int
    heads: int
    width: int  # pairs that rotate
    rest: int  # lanes behind them that are copied at a time
    programs: int  # that a call takes


def head_count(plan: Plan, inplace: bool) -> int:
    """How many heads are written, of all slots: in place those that rotate."""
    return (plan.rotated_slots if inplace else plan.sizes[2]) * plan.sizes[3]


@lru_cache(maxsize=1024)
def tile(plan: Plan, double: bool, inplace: bool, close: bool) -> Tile:
    """Take as many heads as there are, since they share a row of the tables, and then rows.

    `close`: lanes lie side by side, or else each has an address of its own, which takes registers.
    """
    most = BYTES // (8 if double else 4) // (1 if close else 2)
    batch, positions, _, _ = plan.sizes
    count, width = head_count(plan, inplace), _power_of_2(plan.pairs)
    lanes = max(LEAST, 2 * width if inplace else _power_of_2(plan.lanes))
    room = max(1, most // lanes)
    heads = min(room, _power_of_2(count))
    rows = min(room // heads, _power_of_2(positions))
    rest = min(most, _power_of_2(plan.lanes - 2 * plan.pairs))
    return Tile(rows, heads, width, rest, batch * -(-positions // rows) * -(-count // heads))


def _power_of_2(number: int) -> int:
    return 1 << max(0, number - 1).bit_length()
