"""The front's half of the pairwise table: gathers outputs, and has a worker compare each two."""

from collections.abc import Sequence
from itertools import combinations

from rotcheck.isolation import Job, Returned
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.results import Pair, Relation
from rotcheck.study.study import Study

TARGET = "rotcheck.compare.output_distance:open_outputs"


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
            reason = f"{name} gave no result"
            self._missing.setdefault((device, dtype), {})[name] = reason

    def measure(self, study: Study) -> None:
        """Fill `pairs`."""
        for place in dict.fromkeys([*self._outputs, *self._missing]):
            outputs = self._outputs.get(place, {})
            here = {name: outputs[name] for name in self._names if name in outputs}
            pairs = list(combinations(here, 2))
            job = Job(
                "pairwise",
                TARGET,
                {"dtype": place[1], "outputs": {n: o for n, (_, o) in here.items()}},
                pairs,
            )
            for result in study.run([job]):
                first, second = result.task
                same_path = here[first][0] == here[second][0]
                largest = result.outcome.value if isinstance(result.outcome, Returned) else None
                self.pairs.append(
                    _pair(first, second, place, largest, same_path, str(result.outcome))
                )
            self._add_missing(place, list(here))

    def _add_missing(self, place: tuple[str, str], names: list[str]) -> None:
        missing = self._missing.get(place, {})
        for name in filter(missing.get, self._names):
            self.pairs += [
                _pair(present, name, place, None, False, missing[name]) for present in names
            ]


def _pair(
    first: str,
    second: str,
    place: tuple[str, str],
    largest: float | None,
    same_path: bool,
    why: str,
) -> Pair:
    relation: Relation = "differs" if largest else "bit-identical"
    reason: str | None = None
    if largest is None:
        relation, reason = "not comparable", why
    elif same_path:
        relation, reason = (
            "same path",
            "the same code ran under both names, so this is no agreement",
        )
    device, dtype = place
    return Pair(
        first=first,
        second=second,
        device=device,
        dtype=dtype,
        largest=largest,
        relation=relation,
        reason=reason,
    )
