"""Packed sequences that are shared out between ranks: which rows of its tables does a rank take for which token?

A sequence is cut in 2 * cp_size chunks, and rank r holds chunk r and chunk 2 * cp_size - 1 - r of each.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from rotcheck.convention import Convention, role_of
from rotcheck.convention.calls import results
from rotcheck.identify.asking import judged_function
from rotcheck.identify.calling.match import Match
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.calling.templates import parameters
from rotcheck.identify.remarks import remark
from rotcheck.identify.telling import call_snippet, demonstration
from rotcheck.identify.telling.demonstration import Attempt, Source
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, against
from rotcheck.results import Identification, Remark, Told

FIELD = "context_parallel"
RANKS = 2
LENGTHS = (8, 12)  # of the sequences, over all ranks
WHOLE = sum(LENGTHS)
_RANK = re.compile(r"(cp|context_parallel)_?rank")
_SIZE = re.compile(r"(cp|context_parallel)_?(world_?)?size")
_OF_TOKENS = re.compile(
    r"\b(for|of|per) (each|every) token|\bper[- ]token|whole pack", re.IGNORECASE
)
SEEN = f"cu_seqlens of [0, {LENGTHS[0]}, {WHOLE}] shared out between {RANKS} ranks"


@dataclass(frozen=True, slots=True)
class Tables:
    """One way to hand over tables: how many rows they have, and which of them is whose."""

    words: str
    rows: int
    from_start: bool  # rows are counted from the start of the pack, not of the sequence

    def of(self, rank: int) -> tuple[int, ...]:
        """Return the rows of a rank's tokens."""
        starts = [sum(LENGTHS[:at]) if self.from_start else 0 for at in range(len(LENGTHS))]
        return tuple(
            start + row for start, length in zip(starts, LENGTHS) for row in _held(length, rank)
        )


TOKENS = Tables("each token of the pack", WHOLE, from_start=True)
POSITIONS = Tables("each position up to the longest sequence", max(LENGTHS), from_start=False)


def _held(length: int, rank: int) -> list[int]:
    """Return which positions of a sequence a rank holds."""
    part = length // (2 * RANKS)
    return [chunk * part + at for chunk in (rank, 2 * RANKS - 1 - rank) for at in range(part)]


def of_ranks(found: Match) -> tuple[list[Told], list[Remark]]:
    """Return what a function does for each of two ranks, of one that is told cp_rank and cp_size."""
    names = _names(found)
    if not names or not found.exact:
        return [], []
    tokens, positions = (_right(found, names, each) for each in (TOKENS, POSITIONS))
    if tokens is None and positions is None:
        return [], []
    told = [each.words for each, right in ((TOKENS, tokens), (POSITIONS, positions)) if right]
    says = f"each rank turns its two chunks of each sequence, in tables with a row for {' or '.join(told)}"
    evidence = [Told(field=FIELD, says=says, because=SEEN)] if told else []
    if tokens is False and (says_tokens(found.caller.function) or not positions):
        return evidence, [remark("context-parallel", _words(found, names), SEEN)]
    return evidence, []


def tried(told: Identification, function: Callable[..., Any]) -> list[str]:
    """Return the names of rank and number of ranks where they were tried."""
    seen = any(one.field == FIELD for one in told.evidence)
    known = [one.name for one in parameters(function) or ()]
    return [name for name in known if seen and (_RANK.fullmatch(name) or _SIZE.fullmatch(name))]


def says_tokens(function: Callable[..., Any]) -> bool:
    """Return whether a docstring says that tables may have a row for each token of the pack."""
    return _OF_TOKENS.search(documentation(function)) is not None


def _names(found: Match) -> tuple[str, str] | tuple[()]:
    """Return what rank and number of ranks are called; none where it is not told both, and where sequences begin."""
    known = [one.name for one in parameters(found.caller.function) or () if not one.required]
    rank, size = (next(filter(each.fullmatch, known), "") for each in (_RANK, _SIZE))
    handed = found.convention.tables != "positions"
    told = handed and "cu_seqlens" in map(role_of, found.convention.arguments)
    return (rank, size) if rank and size and told else ()


def convention_of(found: Match, rank: int) -> Convention:
    """Return the call for a rank."""
    names = _names(found)
    assert names, "it is told its rank"
    more = (f"{names[0]}={rank}", f"{names[1]}={RANKS}")
    return replace(
        found.convention, arguments=(*found.convention.arguments, *more), positions="any"
    )


def _right(found: Match, names: Sequence[str], tables: Tables) -> bool | None:
    """Return whether each rank's tokens turn by their own rows; None: such tables are refused."""
    try:
        return all(_error(found, rank, tables, tables) <= ROUNDING_LIMIT for rank in range(RANKS))
    except Exception:  # it does not take these
        return None


def _error(found: Match, rank: int, given: Tables, held: Tables) -> float:
    """Return how far a rank's tokens are from the rows that they have in `held`, in tables as `given`."""
    asked = judged_function.Function(
        found.caller.function, convention_of(found, rank), found.caller.device
    )
    width = found.caller.probe.width
    case = Case(asked, torch.float32, Sizes(1, 2, 2, width, held.of(rank)))
    tables = Case(asked, torch.float32, Sizes(1, 2, 2, width, tuple(range(given.rows)))).tables()
    call = case.call()
    sizes = {**call.sizes, "S": WHOLE}
    call = replace(call, tables=tables, starts=(0, LENGTHS[0]), sizes=sizes)
    return float(against(case, asked(call), case.truth).error)


def _words(found: Match, names: Sequence[str]) -> str:
    whose = "other rows than their own"
    if all(_error(found, rank, TOKENS, POSITIONS) <= ROUNDING_LIMIT for rank in range(RANKS)):
        whose = "the rows of the first"
    return f"with {names[1]}={RANKS} and a row of tables for {TOKENS.words}, the second sequence gets {whose}"


def shown(source: Source, found: Match) -> str | None:
    """Return Python that shows a token of a rank that turns by another row than its own; None: nothing shows it."""
    for rank in range(RANKS):
        convention = convention_of(found, rank)
        own = Attempt(convention, Sizes(1, 2, 2, convention.head_dim or 8, TOKENS.of(rank)))
        case = demonstration.case_of(own)
        rows = demonstration.case_of(
            replace(own, sizes=replace(own.sizes, positions=tuple(range(TOKENS.rows))))
        )
        given = {name: f"{name}.clone()" for name in call_snippet.names(convention)}
        given["cu_seqlens"] = f"torch.tensor([0, {LENGTHS[0]}, {WHOLE}], dtype=torch.int32)"
        setup = [
            *source.lines,
            "",
            *call_snippet.inputs(case),
            f"# of sequences of {LENGTHS[0]} and {LENGTHS[1]} tokens, rank {rank} holds rows {list(case.positions)}",
            *call_snippet.angles(rows),
            f"returned = f({call_snippet.arguments(case, given)})",
        ]
        space = source.run("\n".join(setup))
        inputs = tuple(space[name] for name in call_snippet.names(convention))
        worst = demonstration.worst_of(
            case, inputs, results(space["returned"], inputs, in_place=False)
        )
        if worst:
            result = demonstration.result_of(space, case, worst, in_place=False)
            value = demonstration.values_of(case, worst, result)
            return demonstration.shown(source, "\n".join([*setup, *value]))
    return None
