"""Do three calls on the same input give the same bits?

Catches: races, caches, counters.
"""

from rotcheck.compare.checks.inputs import same_bits
from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.subject import CALLS, Subject

level = "quick"
order = 60


def run(subject: Subject, case: Case) -> Evidence:
    """Call it three times on equal tensors and compare the results bit by bit."""
    first, *later_results = (subject.call(case.call()) for _ in range(CALLS))
    for call, later in enumerate(later_results, 2):
        if not all(map(same_bits, first, later)):
            message = f"call {call} gives different bits from call 1"
            return Evidence(finding="not-repeatable", message=message)
    return Evidence()
