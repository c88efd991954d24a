"""Do the positions of several ranks fit together: of a split sequence, each position once?"""

from collections.abc import Iterable, Iterator, Sequence

from rotcheck.grouping import group_by
from rotcheck.results import RankPositions
from rotcheck.watch.records import Exchange, Line, Record, RotationSighting

Runs = tuple[tuple[int, int], ...]
FIT = "each position once"


def rank_positions(records: Sequence[Record]) -> Iterator[RankPositions]:
    """For each function whose ranks split a sequence, whether their positions fit together.

    Ranks of data parallel training see whole sequences, which all begin at 0, of whatever lengths:
    nothing is said of them. Ranks that were handed other tokens, and send each other what they
    turned, have parts of one sequence.
    """
    sightings = [
        (record.rank, entry)
        for record in records
        for entry in record.entries
        if isinstance(entry, RotationSighting) and record.rank is not None and entry.positions
    ]
    for group in group_by(sightings, lambda sight: sight[1].place).values():
        first = {rank: entry.positions for rank, entry in reversed(group)}
        ranks: dict[int, Runs] = {rank: first[rank] for rank in sorted(first) if rank is not None}
        message = _of_exchanges(ranks, _exchanges(ranks, records, group[0][1].place))
        if message or _are_parts(ranks):
            message = message or _message(ranks) or _uneven(ranks, _world_size(records))
            yield RankPositions(
                function=group[0][1].function,
                positions={str(rank): runs for rank, runs in ranks.items()},
                verdict="disagrees" if message else "agrees",
                message=message or FIT,
            )


def _exchanges(
    ranks: dict[int, Runs], records: Sequence[Record], place: Line
) -> dict[int, Exchange]:
    """What each rank sent of what the function at a place turned."""
    return {
        record.rank: entry
        for record in records
        for entry in reversed(record.entries)
        if isinstance(entry, Exchange) and entry.place == place and record.rank in ranks
    }


def _of_exchanges(ranks: dict[int, Runs], exchanges: dict[int, Exchange]) -> str:
    """Words, if ranks with other tokens turn them by the same positions, and then send each other
    what was turned; empty: there are none."""
    for rank, exchange in exchanges.items():
        for peer in exchange.group:
            other = exchanges.get(peer)
            if other is None or peer <= rank or other.inputs == exchange.inputs:
                continue
            places = sorted(set(_places(ranks[rank])) & set(_places(ranks[peer])))
            if places:
                words = f"which send each other what was turned ({exchange.collective})"
                return f"positions {span(places)} on ranks {rank} and {peer}, {words}"
    return ""


def _uneven(ranks: dict[int, Runs], world_size: int) -> str:
    """Words, if some parts are on more ranks than others, although all ranks were seen."""
    parts = group_by(ranks, lambda rank: ranks[rank])
    most = max(len(members) for members in parts.values())
    if len(ranks) < world_size or most == min(len(members) for members in parts.values()):
        return ""
    runs, members = next((runs, members) for runs, members in parts.items() if len(members) == most)
    return f"positions {span(_places(runs))} on ranks {' and '.join(map(str, members))}, others on fewer"


def _world_size(records: Sequence[Record]) -> int:
    sizes = [r.introduction.world_size for r in records if r.introduction]
    return max((int(size) for size in sizes if size and size.isdecimal()), default=1 << 30)


def _are_parts(ranks: dict[int, Runs]) -> bool:
    """Whether the ranks see parts of one sequence: as many rows each, not all from its start."""
    counts = {sum(count for _, count in runs) for runs in ranks.values()}
    starts = [min(start for start, _ in runs) for runs in ranks.values()]
    return len(ranks) > 1 and len(counts) == 1 and min(starts) == 0 and max(starts) > 0


def _message(ranks: dict[int, Runs]) -> str:
    """Words, if a position is there twice, missing or out of order; empty: they fit."""
    parts = group_by(ranks, lambda rank: ranks[rank])  # data parallel ranks have the same part
    owners: dict[int, list[int]] = {}
    for runs, members in parts.items():
        for position in _places(runs):
            owners.setdefault(position, []).append(members[0])
    twice = {place: tuple(pair) for place, pair in owners.items() if len(pair) > 1}
    missing = sorted(set(range(max(owners))) - set(owners))
    words = [
        f"{span(places)} on ranks {' and '.join(map(str, pair))}"
        for pair, places in group_by(twice, lambda position: twice[position]).items()
    ]
    words += [f"{span(missing)} on none"] if missing else []
    words += [
        f"those of rank {members[0]} do not count up"
        for runs, members in parts.items()
        if list(_places(runs)) != sorted(_places(runs))
    ]
    return f"positions {'; '.join(words)}" if words else ""


def _places(runs: Runs) -> Iterator[int]:
    for start, count in runs:
        yield from range(start, start + count)


def span(positions: Iterable[int]) -> str:
    """`0 to 31, 64`."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and position == runs[-1][1] + 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in runs)
