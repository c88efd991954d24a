"""Is it right for every number of rows and heads, and for every width?

One row, one head, a batch of one; heads of 2, 6, 80, 96, 128, 256 and 512 lanes; an empty batch;
127, 128, 129, 1,023, 1,025 and 8,193 rows; 3 batch rows of 129 rows and 9 heads.

Catches: lost axes, kernels for powers of two, the last row of a block, a grid of one block.
"""

from dataclasses import replace

from msgspec import structs

from rotcheck.convention.calls import Call
from rotcheck.measure.case import POSITIONS, Case, Sizes
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.other_calls import at, case_with, indexes, judge_results, refusal, worst
from rotcheck.measure.subject import Subject, Wrong

level = "full"
order = 20
ROWS = 512  # of a table that positions index
# rows: around the ends of blocks, and more than one batch of blocks
LENGTHS = (127, 128, 129, 1023, 1025, 8193)
MOST_INTERPRETER_ROWS = 1025  # rows: the Triton interpreter takes milliseconds for each block
BLOCKS = "3 batch rows of 129 rows and 9 heads"
WIDTHS = (2, 6, 80, 96, 128, 256, 512)
TINY = {
    "one row": Sizes(positions=(7,)),
    "a batch of one": Sizes(batch=1),
    "one head": Sizes(heads=1, kv_heads=1),
    "one row of one head in a batch of one": Sizes(batch=1, heads=1, kv_heads=1, positions=(7,)),
}
"""What it must take: every model decodes, and a batch of one is usual."""


def run(subject: Subject, case: Case) -> Evidence:
    """Measure each size. A width or an empty batch may be refused, but not done wrong."""
    answers = [_measure(subject, case, sizes_text, sizes) for sizes_text, sizes in TINY.items()]
    refusals: list[str] = []
    most = MOST_INTERPRETER_ROWS if subject.interpreted else LENGTHS[-1]
    for sizes_text, sizes in _may_be_refused(case, most).items():
        try:
            answers.append(_measure(subject, case, sizes_text, sizes))
        except Exception as error:
            refusals.append(f"{sizes_text} ({refusal(subject, error)})")
    evidence = worst(answers)
    if refusals and not evidence.finding:
        return structs.replace(evidence, note=_note(refusals))
    return evidence


def _measure(subject: Subject, case: Case, sizes_text: str, sizes: Sizes) -> Evidence:
    if sizes.positions == POSITIONS:
        sizes = replace(sizes, positions=_few_positions(case))
    there, call = _call_for(case, sizes)
    try:
        results = subject.call(call)
    except Wrong as wrong:
        raise Wrong(wrong.evidence.finding or "sizes", f"{wrong}, with {sizes_text}") from wrong
    return judge_results(there, results, code="sizes", when=f"with {sizes_text}")


def _call_for(case: Case, sizes: Sizes) -> tuple[Case, Call]:
    """A case and its call. A function that looks rows up is handed a table of many."""
    if indexes(case):
        return at(case, sizes.positions, max(ROWS, len(sizes.positions)), sizes)
    there = case_with(case, sizes)
    return there, there.call()


def _few_positions(case: Case) -> tuple[int, ...]:
    """Few positions, since the lanes are many; far out, so that every pair turns; in order, since
    others are what `positions` asks for."""
    last = case.convention.last_position
    start = ROWS - 9 if last is None or last >= ROWS else 0
    return tuple(range(start, start + 4))


def _may_be_refused(case: Case, most: int) -> dict[str, Sizes]:
    """The sizes that it may refuse, each with its words; `most`: rows at most."""
    convention = case.convention
    fixed_width = convention.frequencies or convention.head_dim
    least = convention.rotary_dim or 2
    sizes = {
        f"heads of {width} lanes": Sizes(width=width)
        for width in WIDTHS
        if not fixed_width and width >= least
    }
    if "b" in convention.axes:
        sizes["an empty batch"] = Sizes(batch=0)
    last = convention.last_position
    most = most if last is None else min(most, last + 1)
    for rows in (length for length in LENGTHS if length <= most):
        positions = tuple(range(rows))
        sizes[f"{rows} rows"] = Sizes(1, 1, 1, case.width, positions)
        if rows == 129:
            sizes[BLOCKS] = Sizes(3, 9, 9, case.width, positions)
    return sizes


def _note(refusals: list[str]) -> str:
    more = f" and {len(refusals) - 2} more sizes" if len(refusals) > 2 else ""
    return f"refuses {', '.join(refusals[:2])}{more}"
