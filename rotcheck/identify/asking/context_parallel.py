"""Packed sequences shared between ranks: which row of its tables does a rank take for a token?

A sequence is cut in 2 * cp_size chunks; rank r holds chunks r and 2 * cp_size - 1 - r of each.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from rotcheck.convention import Convention, role_of
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.asking.question import Answer, CallQuestion
from rotcheck.identify.call_outcome import result_or_none
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.remarks import remark
from rotcheck.identify.showing import call_snippet
from rotcheck.identify.showing.attempts import Attempt, case_of
from rotcheck.identify.showing.function_source import Source
from rotcheck.identify.showing.value_demonstration import CLONE, show_worst
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, against
from rotcheck.results import FieldEvidence, Identification

FIELD = "context_parallel"
RANKS = 2
LENGTHS = (8, 12)  # of the sequences, over all ranks
WHOLE = sum(LENGTHS)
EVIDENCE = f"cu_seqlens of [0, {LENGTHS[0]}, {WHOLE}] shared out between {RANKS} ranks"
_RANK = re.compile(r"(cp|context_parallel)_?rank")
_SIZE = re.compile(r"(cp|context_parallel)_?(world_?)?size")
_OF_TOKENS = re.compile(
    r"\b(for|of|per) (each|every) token|\bper[- ]token|whole pack", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class RankRows:
    """One way to hand over tables: how many rows they have, and which belong to which rank."""

    words: str
    count: int
    from_start: bool  # rows are counted from the start of the pack, not of the sequence

    def of_rank(self, rank: int) -> tuple[int, ...]:
        """The rows of a rank's tokens."""
        starts = [sum(LENGTHS[:at]) if self.from_start else 0 for at in range(len(LENGTHS))]
        return tuple(
            start + position
            for start, length in zip(starts, LENGTHS)
            for position in _positions_of_rank(length, rank)
        )


TOKENS = RankRows("each token of the pack", WHOLE, from_start=True)
POSITIONS = RankRows("each position up to the longest sequence", max(LENGTHS), from_start=False)


def _positions_of_rank(length: int, rank: int) -> list[int]:
    part = length // (2 * RANKS)
    return [chunk * part + at for chunk in (rank, 2 * RANKS - 1 - rank) for at in range(part)]


def _ask(match: Match) -> Answer:
    """Call it for each of two ranks, if it is told cp_rank and cp_size."""
    names = _names(match)
    if not names or not match.exact:
        return Answer()
    right = {rows: _is_right(match, rows) for rows in (TOKENS, POSITIONS)}
    kinds = [rows.words for rows, is_right in right.items() if is_right]
    evidence: tuple[FieldEvidence, ...] = ()
    if kinds:
        message = f"each rank turns its two chunks of each sequence, in tables with a row for {' or '.join(kinds)}"
        evidence = (FieldEvidence(field=FIELD, says=message, because=EVIDENCE),)
    if right[TOKENS] is False and (says_tokens(match.caller.function) or not right[POSITIONS]):
        message = _departure(match, names)
        return Answer((remark("context-parallel", message, EVIDENCE),), evidence)
    return Answer(evidence=evidence)


def names_tried(identification: Identification, function: Callable[..., Any]) -> list[str]:
    """The names of rank and number of ranks, if they were tried."""
    if not any(part.field == FIELD for part in identification.evidence):
        return []
    names = [parameter.name for parameter in parameters(function) or ()]
    return [name for name in names if _RANK.fullmatch(name) or _SIZE.fullmatch(name)]


def says_tokens(function: Callable[..., Any]) -> bool:
    """Whether a docstring says that tables may have a row for each token of the pack."""
    return _OF_TOKENS.search(documentation(function)) is not None


def _names(match: Match) -> tuple[str, str] | tuple[()]:
    """The names of rank and number of ranks; none unless it is told both and cu_seqlens."""
    optional = [
        parameter.name
        for parameter in parameters(match.caller.function) or ()
        if not parameter.mandatory
    ]
    rank, size = (next(filter(name.fullmatch, optional), "") for name in (_RANK, _SIZE))
    takes_tables = match.convention.takes_tables
    has_sequences = takes_tables and "cu_seqlens" in map(role_of, match.convention.arguments)
    return (rank, size) if rank and size and has_sequences else ()


def convention_of(match: Match, rank: int) -> Convention:
    """The call for a rank."""
    names = _names(match)
    assert names, "it is given its rank"
    more = (f"{names[0]}={rank}", f"{names[1]}={RANKS}")
    return replace(
        match.convention, arguments=(*match.convention.arguments, *more), positions="any"
    )


def _is_right(match: Match, rows: RankRows) -> bool | None:
    """Whether each rank's tokens turn by their own rows; None: such tables are refused."""
    return result_or_none(lambda: _turns_by(match, rows, rows))


def _turns_by(match: Match, tables: RankRows, truth_rows: RankRows) -> bool:
    """Whether each rank's tokens turn by their rows in `truth_rows`, with tables as in `tables`."""
    return all(_error(match, rank, tables, truth_rows) <= ROUNDING_LIMIT for rank in range(RANKS))


def _error(match: Match, rank: int, tables: RankRows, truth_rows: RankRows) -> float:
    """How far a rank's tokens are from their rows in `truth_rows`, with tables as in `tables`."""
    function = FunctionUnderTest(
        match.caller.function, convention_of(match, rank), match.caller.device
    )
    width = match.caller.probe.width
    case = Case(function, torch.float32, Sizes(1, 2, 2, width, truth_rows.of_rank(rank)))
    every_row = Sizes(1, 2, 2, width, tuple(range(tables.count)))
    call = case.call()
    call = replace(
        call,
        tables=Case(function, torch.float32, every_row).tables(),
        starts=(0, LENGTHS[0]),
        sizes={**call.sizes, "S": WHOLE},
    )
    return float(against(case, function(call), case.truth).error)


def _departure(match: Match, names: Sequence[str]) -> str:
    of_first = _turns_by(match, TOKENS, POSITIONS)
    rows = "the rows of the first" if of_first else "other rows than their own"
    return f"with {names[1]}={RANKS} and a row of tables for {TOKENS.words}, the second sequence gets {rows}"


def snippet(source: Source, match: Match) -> str | None:
    """Python that shows a token that turns by another row than its own; None: nothing does."""
    snippets = (_of_rank(source, convention_of(match, rank), rank) for rank in range(RANKS))
    return next(filter(None, snippets), None)


def _of_rank(source: Source, convention: Convention, rank: int) -> str | None:
    attempt = Attempt(convention, Sizes(1, 2, 2, convention.head_dim or 8, TOKENS.of_rank(rank)))
    every_row = replace(attempt.sizes, positions=tuple(range(TOKENS.count)))
    case = case_of(attempt)
    starts = {"cu_seqlens": f"torch.tensor([0, {LENGTHS[0]}, {WHOLE}], dtype=torch.int32)"}
    setup = [
        *call_snippet.inputs(case),
        f"# of sequences of {LENGTHS[0]} and {LENGTHS[1]} tokens, rank {rank} holds rows {list(case.positions)}",
        *call_snippet.angles(case_of(replace(attempt, sizes=every_row))),
        f"returned = {call_snippet.call(case, CLONE, starts)}",
    ]
    return show_worst(source, case, setup, source.run(setup))


QUESTION = CallQuestion(rank=20, ask=_ask)
