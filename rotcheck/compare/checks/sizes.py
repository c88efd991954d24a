"""Is it right at the sizes that models use?

300 rows, 3 batch rows, one token (at another position in each batch row, where it takes that),
heads of 36, 70 and 128 lanes.

Catches: rows past a block, a grid of two batch rows, a path for one width or for one token.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.other_calls import (
    Positions,
    at,
    differs_by_batch_row,
    judge_results,
    refusal,
    worst,
)
from rotcheck.measure.subject import Subject, Wrong

level = "quick"
order = 100
# more than a block of 256; of 36 lanes they stay below what torch shares out among threads, packed
# too
ROWS = 300
BATCH = 3
TABLE = 512  # rows of a table that positions index, or an offset reaches into
STARTS = (0, 150, 480)  # position of the first row of each batch row
FEW = 4  # rows in each of these
HEADS = 5  # of the one token
# no power of two, beside the rows; usual, beside the batch; an odd number of pairs
WIDTHS = (36, 128, 70)
IN_BLOCKS = 72  # lanes where those of a head are cut into 2, 3 or 4 blocks of pairs

Parts = Mapping[str, dict[str, Any]]
"""What is asked for at once: fields of `Sizes` by the words for them."""


def run(subject: Subject, case: Case) -> Evidence:
    """Ask for two things at a time. Where that goes wrong, ask for each alone."""
    answers: list[Evidence] = []
    for parts in _questions(case):
        answers += _answers(subject, case, parts)
        if worst(answers).finding:
            usual = judge_results(
                case, subject.call(case.call()), code="rounding", when="for the usual sizes too"
            )
            return usual if usual.finding else worst(answers)
    refusals = [answer.note for answer in answers if answer.note]
    return structs.replace(
        worst(answers), note=f"refuses {' and '.join(refusals)}" if refusals else None
    )


def _questions(case: Case) -> list[Parts]:
    """What a function that is called in this way can be asked for."""
    convention, rows = case.convention, min(ROWS, _last(case) + 1)
    parts: list[Parts] = [
        {f"{rows} rows": {"batch": 1, "heads": 1, "kv_heads": 1, "positions": tuple(range(rows))}},
        _batch(case) if "b" in convention.axes else {},
        {"one token": {"heads": HEADS, "kv_heads": HEADS, "positions": _one_position(case)}},
    ]
    fixed_width = convention.head_dim or convention.frequencies
    share = convention.rotary_dim and not convention.takes_tables
    if not fixed_width and not share:  # 32 lanes that rotate may be half of a head
        parts = [{**part, **_heads(case, width)} for part, width in zip(parts, WIDTHS)]
    return [part for part in parts if part]


def _last(case: Case) -> int:
    """A position far out, where slow pairs turn too, that its own table and ours have."""
    last = case.convention.last_position
    return TABLE - 1 if last is None else min(TABLE - 1, last)


def _far(case: Case, count: int) -> tuple[int, ...]:
    """Positions as far out as it goes, or from 0 on if it counts them itself; `count`: how many."""
    last = count - 1 if case.convention.positions == "from 0" else _last(case)
    return tuple(range(max(0, last + 1 - count), last + 1))


def _one_position(case: Case) -> Positions:
    """A position far out, another in each batch row where they can differ."""
    last = _far(case, 1)[0]
    if not differs_by_batch_row(case) or last < BATCH:
        return (last,)
    return tuple((last - at,) for at in range(case.batch))


def _batch(case: Case) -> Parts:
    if not differs_by_batch_row(case) or _last(case) < STARTS[-1] + FEW:
        return {f"{BATCH} batch rows": {"batch": BATCH}}
    positions = tuple(tuple(range(start, start + FEW)) for start in STARTS)
    return {
        f"{BATCH} batch rows with positions of their own": {"batch": BATCH, "positions": positions}
    }


def _heads(case: Case, width: int) -> Parts:
    """Heads of a width, as far as the blocks of its lanes and the number that rotate allow."""
    blocks, least = case.convention.blocks, case.convention.rotary_dim or 2
    width = IN_BLOCKS if width % (2 * blocks) else width
    return {f"heads of {width} lanes": {"width": width}} if width >= least else {}


def _answers(subject: Subject, case: Case, parts: Parts) -> list[Evidence]:
    """The evidence of these sizes together, or of each alone when one is wrong or refused."""
    together = _measure(subject, case, parts)
    if len(parts) == 1 or not (together.finding or together.note):
        return [together]
    alone = [_measure(subject, case, {sizes_text: sizes}) for sizes_text, sizes in parts.items()]
    return alone if any(evidence.finding or evidence.note for evidence in alone) else [together]


def _measure(subject: Subject, case: Case, parts: Parts) -> Evidence:
    """Measure a call of these sizes; a note says what is refused."""
    sizes_text = " and ".join(parts)
    fields: dict[str, Any] = {"positions": _far(case, FEW), "heads": 2, "kv_heads": 2}
    for part in parts.values():
        fields |= part
    sizes = Sizes(**{"width": case.width, **fields})
    there, call = at(case, sizes.positions, TABLE, sizes)
    try:
        results = subject.call(call)
    except Wrong as wrong:
        return Evidence(
            finding=wrong.evidence.finding or "sizes", message=f"{wrong}, for {sizes_text}"
        )
    except Exception as error:
        return Evidence(note=f"{sizes_text} ({refusal(subject, error)})")
    return judge_results(there, results, code="sizes", when=f"for {sizes_text}")
