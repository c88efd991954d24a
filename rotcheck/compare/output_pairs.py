"""The front's half of the pairwise table: gathers outputs, and has a worker compare each two."""

from collections.abc import Sequence
from itertools import combinations

from rotcheck.isolation import Job, Outcome, Returned
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.results import Pair, Relation
from rotcheck.study.study import Study

TARGET = "rotcheck.compare.output_distance:open_outputs"
SAME_PATH = "the same code ran under both names, so this is not an agreement"


class Outputs:
    """What each implementation gave for q in `forward`, and how far each two are apart."""

    def __init__(self, names: Sequence[str]) -> None:
        self.pairs: list[Pair] = []
        self._names = names  # in the order of the report
        self._outputs: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
        self._missing: dict[tuple[str, str], dict[str, str]] = {}

    def add(
        self, name: str, device: str, dtype: str, check: str, evidence: Evidence | None
    ) -> None:
        """Keep the output of one cell, or that there is none."""
        if check != "forward":
            return
        if evidence is not None and evidence.output is not None:
            path = evidence.path or name
            self._outputs.setdefault((device, dtype), {})[name] = (path, evidence.output)
        else:
            self._missing.setdefault((device, dtype), {})[name] = f"{name} gave no result"

    def measure(self, study: Study) -> None:
        """Fill `pairs`."""
        for place in dict.fromkeys([*self._outputs, *self._missing]):
            outputs, missing = self._outputs.get(place, {}), self._missing.get(place, {})
            here = {name: outputs[name] for name in self._names if name in outputs}
            setup = {"dtype": place[1], "outputs": {name: here[name][1] for name in here}}
            job = Job("pairwise", TARGET, setup, list(combinations(here, 2)))
            for result in study.run([job]):
                paths = {here[name][0] for name in result.task}
                relation, largest, reason = _relation(result.outcome, one_path=len(paths) == 1)
                self._add_pair(result.task, place, relation, largest, reason)
            for name in filter(missing.get, self._names):
                for present in here:
                    self._add_pair([present, name], place, "not comparable", None, missing[name])

    def _add_pair(
        self,
        names: Sequence[str],
        place: tuple[str, str],
        relation: Relation,
        largest: float | None,
        reason: str | None,
    ) -> None:
        (first, second), (device, dtype) = names, place
        pair = Pair(
            first=first,
            second=second,
            device=device,
            dtype=dtype,
            largest=largest,
            relation=relation,
            reason=reason,
        )
        self.pairs.append(pair)


def _relation(outcome: Outcome, *, one_path: bool) -> tuple[Relation, float | None, str | None]:
    """How two outputs are related, how far they are apart, and why they are not compared."""
    if not isinstance(outcome, Returned) or outcome.value is None:
        return "not comparable", None, str(outcome)
    if one_path:
        return "same path", outcome.value, SAME_PATH
    return "differs" if outcome.value else "bit-identical", outcome.value, None
