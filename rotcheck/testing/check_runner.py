"""One function put to the checks in this process:
a cell for each, and where its wrong results are off."""

from collections.abc import Sequence

import msgspec
import torch

from rotcheck.compare.cells import cell_of_evidence, cell_of_exception
from rotcheck.compare.worker import answers
from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.rounding_steps import against, worst_of
from rotcheck.measure.spread import spread
from rotcheck.measure.subject import CALLS, Subject
from rotcheck.results import Cell

# checks that fail with wrong values when the result itself is wrong
VALUES = ("forward", "backward")


class CheckRunner:
    """Runs checks of one subject; `error` is the first exception of the subject."""

    def __init__(self, subject: Subject, name: str, device: str) -> None:
        self.error: Exception | None = None
        self._subject, self._name, self._device = subject, name, device
        self._answer = answers(subject, device, outputs=False)

    def cell(self, dtype: str, check: str) -> Cell:
        """The cell of one check. What rotcheck itself raises passes through."""
        place = self._name, self._device, dtype, check
        try:
            evidence = msgspec.convert(self._answer([dtype, check]), Evidence)
        except Exception as error:
            if error is not self._subject.raised:
                raise
            self.error = self.error or error
            return cell_of_exception(error, *place)
        return cell_of_evidence(evidence, *place)

    def spreads(self, wrong: Sequence[Cell]) -> dict[str, tuple[str, ...]]:
        """Where the result is off, by dtype, for dtypes whose values are wrong."""
        off = (cell for cell in wrong if cell.check in VALUES and cell.error is not None)
        dtypes = dict.fromkeys(cell.dtype for cell in off)
        return {dtype: self._spread(Case(self._subject, getattr(torch, dtype))) for dtype in dtypes}

    def _spread(self, case: Case) -> tuple[str, ...]:
        results = [self._subject.call(case.call()) for _ in range(CALLS)]
        worst = worst_of([against(case, result, case.truth) for result in results])
        return spread(case, results[worst])
