"""Which jobs follow when both of two models have run once, and what came of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rotcheck.compare.cells import fields_of_failure
from rotcheck.isolation import Done, Job, Returned
from rotcheck.model import plan
from rotcheck.results import AgainstRow
from rotcheck.study.request import display_names

WORKER = "rotcheck.model.against.against_worker"
LAYERS, AGAINST = "layers", "against"  # tasks: by what each layer turns; both side by side
USUAL_LENGTH = 19  # tokens of a pass, where neither model runs
LONGEST = 1 << 20  # positions


@dataclass(slots=True)
class AgainstJobs:
    """The jobs that hold two models against one another, once on each device and in each dtype.

    `timeout`: seconds for each.
    """

    timeout: float
    rows: list[AgainstRow] = field(default_factory=list)
    _passes: dict[tuple[str, str], dict[str, Done]] = field(default_factory=dict)
    _layers: dict[tuple[str, str], dict[str, Done]] = field(default_factory=dict)

    def following(self, answer: Done) -> Iterator[Job]:
        """Yield the jobs that can be done now that this one came back, or did not."""
        setup: dict[str, Any] = answer.job.setup
        place = setup["device"], setup["dtype"]
        task = answer.task[1]
        if task == AGAINST:
            self._end(answer, place)
        if task not in (plan.FORWARD, LAYERS):
            return
        sides = (self._passes if task == plan.FORWARD else self._layers).setdefault(place, {})
        sides[setup["side"]] = answer
        if len(sides) == 2:
            failure = next((side for side in sides.values() if _value(side) is None), None)
            if failure is not None:
                self._end(failure, place)
            elif task == plan.FORWARD:
                yield from self._layer_jobs(sides, place)
            else:
                yield self._comparison(sides, place)

    def _layer_jobs(self, sides: Mapping[str, Done], place: tuple[str, str]) -> Iterator[Job]:
        lengths = _lengths(sides)
        for answer in sides.values():
            setup = {**answer.job.setup, "lengths": lengths}
            yield self._job(answer.job.name, "open_layers", setup, LAYERS, place)

    def _comparison(self, sides: Mapping[str, Done], place: tuple[str, str]) -> Job:
        setup = {side: (_value(answer) or {})["layers"] for side, answer in sides.items()}
        specs = [sides[side].job.setup["spec"] for side in (plan.SPEC, plan.OTHER)]
        names = display_names(specs)
        setup |= {"device": place[0], "dtype": place[1], "names": [names[spec] for spec in specs]}
        return self._job(specs[0], "open_comparison", setup, AGAINST, place)

    def _job(self, name: str, function: str, setup: Any, task: str, place: tuple[str, str]) -> Job:
        target, limit = f"{WORKER}:{function}", 3 * self.timeout
        return Job(name, target, setup, [[place[1], task]], self.timeout, limit)

    def _end(self, answer: Done, place: tuple[str, str]) -> None:
        """Keep the rows that a comparison has; one that says why there is none, if not."""
        value = _value(answer)
        if value is not None:
            self.rows += msgspec.convert(value["against"], list[AgainstRow])
            return
        device, dtype = place
        fields = fields_of_failure(answer)
        self.rows.append(AgainstRow(layers="", device=device, dtype=dtype, **fields))


def _value(answer: Done) -> dict[str, Any] | None:
    """What a task answered; None: it did not come back."""
    outcome = answer.outcome
    return outcome.value if isinstance(outcome, Returned) else None


def _lengths(sides: Mapping[str, Done]) -> list[int]:
    """The length of the one pass, and each that a model declares beyond it."""
    side_lengths = [(_value(answer) or {}).get("lengths", []) for answer in sides.values()]
    ran = [x for x, answer in zip(side_lengths, sides.values()) if _ran(answer)]
    first = ran[0][0] if ran else USUAL_LENGTH
    beyond = {length for x in side_lengths for length in x if first < length <= LONGEST}
    return [first, *sorted(beyond - {x[0] for x in ran})]


def _ran(answer: Done) -> bool:
    return not plan.only_declares(answer.job.setup["spec"])
