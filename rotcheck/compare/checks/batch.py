"""Does a row of a batch come out the same, bit for bit, when it is alone?

Catches: kernels that take another path for several rows.
"""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from rotcheck.compare.checks.inputs import same_bits
from rotcheck.convention.calls import Call
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import case_with
from rotcheck.measure.subject import CALLS, Subject

level = "quick"
order = 80
BATCH = 4
POSITIONS = (0, 1, 63, 2049, 131071)


def run(subject: Subject, case: Case) -> Evidence:
    """Rotate a batch, then its first and its last row alone; the bits must be the same."""
    if "b" not in case.convention.axes:
        return inapplicable("its tensors have no batch axis")
    several = case_with(case, Sizes(batch=BATCH, positions=POSITIONS))
    call = several.call()
    rows = {row: _only(several, call, row) for row in (0, BATCH - 1)}
    together = subject.call(call)
    at = case.convention.axes.index("b")
    for row, call_alone in rows.items():
        alone = subject.call(call_alone)
        rows_together = [result.narrow(at, row, 1) for result in together]
        if not all(map(same_bits, alone, rows_together)):
            if not all(_again(subject, several, together) for _ in range(CALLS - 1)):
                return Evidence(note="identical calls give different bits, which `repeat` checks")
            message = f"row {row} of a batch of {BATCH} differs in its bits from the same row alone"
            return Evidence(finding="batch", message=message)
    return Evidence()


def _again(subject: Subject, case: Case, results: Sequence[Tensor]) -> bool:
    """Whether the same call gives the same bits once more."""
    return all(map(same_bits, results, subject.call(case.call())))


def _only(case: Case, call: Call, row: int) -> Call:
    """The call of one batch row alone, on memory of its own."""
    convention = case.convention
    inputs = [_row_of(x, convention.axes, row) for x in call.inputs]
    tables = tuple(_row_of(table, convention.all_table_axes, row) for table in call.tables)
    positions = (
        None if call.positions is None else _row_of(call.positions, convention.position_axes, row)
    )
    return replace(
        call.of(*inputs), tables=tables, positions=positions, sizes={**call.sizes, "B": 1}
    )


def _row_of(tensor: Tensor, axes: str, row: int) -> Tensor:
    return (tensor.narrow(axes.index("b"), row, 1) if "b" in axes else tensor).clone()
