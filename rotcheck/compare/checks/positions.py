"""Is each row rotated by its own position?

The positions start late, repeat, are out of order, or differ from batch row to batch row.

Catches: `position_ids[0]` for the whole batch, slices that start at the smallest position.
"""

from dataclasses import replace

from msgspec import structs

from rotcheck.measure.case import BATCH, Case, Sizes
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import (
    Positions,
    at,
    case_with,
    differs_by_batch_row,
    judge_results,
    refusal,
    roles,
    takes_offset,
    worst,
)
from rotcheck.measure.subject import Subject

level = "quick"
order = 90
ROWS = 64  # of a table that positions index, or an offset reaches into
OUT_OF_ORDER = ((40, 5, 5, 0, 17, 63, 1), (3, 62, 0, 9, 9, 31, 2))
ROW_COUNTS = (2051, 1024, 512, 258)  # rows: bfloat16 cannot hold 257, float16 and TF32 not 2049
SEQUENCES = (3, 4)  # rows of two, one after another
LATE = ((5, 6, 7, 8, 9, 10, 11), (23, 24, 25, 26, 27, 28, 29))


def run(subject: Subject, case: Case) -> Evidence:
    """Rotate rows at unsorted positions, or from an offset on; then a batch of both kinds."""
    if "cu_seqlens" in roles(case):
        return _in_sequences(subject, case)
    if case.convention.positions == "from 0":
        return _count_from_0(subject, case)
    answers = []
    for when, positions in _questions(case):
        there, call = at(case, positions, ROWS)
        answers.append(
            judge_results(there, subject.call(call), code="positions", when=f"for {when}")
        )
    return worst(answers)


def _in_sequences(subject: Subject, case: Case) -> Evidence:
    """Ask one that takes `cu_seqlens` for two sequences, each from position 0 on."""
    first, second = SEQUENCES
    anew = case_with(case, Sizes(positions=(*range(first), *range(second))), positions="any")
    on = case_with(case, Sizes(positions=tuple(range(first + second))), positions="any")
    results = subject.call(replace(anew.call(), tables=on.tables(), starts=(0, first)))
    evidence = judge_results(
        anew, results, code="sequences", when="for two sequences, one after another"
    )
    row_by_row = judge_results(on, results, code="sequences", when="")
    if evidence.finding and not row_by_row.finding and case.convention.takes_tables:
        return structs.replace(
            row_by_row, note="takes its tables row by row: they must begin anew with each sequence"
        )
    return evidence


def _count_from_0(subject: Subject, case: Case) -> Evidence:
    """Ask one that counts from 0 for more rows than narrow dtypes can count, or as many as it
    takes.

    On the CPU too many are refused; elsewhere they may end the process, so that a known end of its
    table counts.
    """
    last = case.convention.last_position
    reason = f"it is known to take positions up to {last} only"
    ends_at_last = last is not None and subject.device.type != "cpu"
    for rows in (count for count in ROW_COUNTS if not ends_at_last or count <= (last or 0) + 1):
        sizes = Sizes(batch=1, heads=1, kv_heads=1, width=case.width, positions=tuple(range(rows)))
        there = case_with(case, sizes)
        try:
            results = subject.call(there.call())
        except Exception as error:  # its table is shorter
            reason = refusal(subject, error)
            continue
        return judge_results(there, results, code="positions", when=f"for {rows} rows")
    message = f"it counts its positions itself, from 0, and takes no {ROW_COUNTS[-1]} rows"
    return inapplicable(f"{message}: {reason}")


def _questions(case: Case) -> list[tuple[str, Positions]]:
    """What can be asked of the convention: positions, each with its words."""
    if takes_offset(case) and "positions" not in roles(case):
        questions: list[tuple[str, Positions]] = [("rows from position 5 on", LATE[0])]
        several, question = LATE, "an offset of its own in each batch row"
    else:
        questions = [("unsorted positions", OUT_OF_ORDER[0])]
        several, question = OUT_OF_ORDER, "positions of its own in each batch row"
    if differs_by_batch_row(case) and case.batch == BATCH:
        questions.append((question, several))
    last = case.convention.last_position
    return [(when, _up_to(last, positions)) for when, positions in questions]


def _up_to(last: int | None, positions: Positions) -> Positions:
    """The positions, none beyond the end of the function's own table."""
    if last is None:
        return positions
    return tuple(  # type: ignore[return-value]  # of one kind
        min(at, last) if isinstance(at, int) else tuple(min(position, last) for position in at)
        for at in positions
    )
