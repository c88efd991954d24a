"""A topic: questions that belong together, and how their outcomes read. Works them off on a pool."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rotcheck.isolation import Job, Outcome, Pool
from rotcheck.results import Line

LIMIT = 60.0  # seconds for one question: the first kernel on a GPU may take many


@dataclass(frozen=True, slots=True)
class Reading:
    """What the outcomes of a topic say: lines, and topics to take up because of them."""

    lines: Sequence[Line] = ()
    then: Sequence["Topic"] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """Jobs that belong together; `read` gets all their outcomes, in the order of jobs and questions."""

    jobs: Sequence[Job]
    read: Callable[[list[Outcome]], Reading]
    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict)

    def complete(self) -> bool:
        """Return whether every question has its outcome."""
        return len(self.outcomes) == sum(len(job.tasks) for job in self.jobs)

    def in_order(self) -> list[Outcome]:
        """Return the outcomes in the order of jobs and questions."""
        return [
            self.outcomes[job.name, index] for job in self.jobs for index in range(len(job.tasks))
        ]


def questions(name: str, *asked: Sequence[str], limit: float = LIMIT) -> Job:
    """Return a job of questions for one worker; each is a file of the probe, a function, its arguments."""
    return Job(
        name, "rotcheck.probe.inside.ask:opened", None, [list(one) for one in asked], limit=limit
    )


def work_off(pool: Pool, topics: Sequence[Topic], found: Callable[[Line], None]) -> None:
    """Run the topics and whatever they lead to, and hand each line over as soon as its topic is complete."""
    while topics:
        topics = _one_round(pool, topics, found)


def _one_round(pool: Pool, topics: Sequence[Topic], found: Callable[[Line], None]) -> list[Topic]:
    """Run the topics side by side and return those that they lead to."""
    owner = {job.name: topic for topic in topics for job in topic.jobs}
    following: list[Topic] = []
    for done in pool.run([job for topic in topics for job in topic.jobs]):
        topic = owner[done.job.name]
        topic.outcomes[done.job.name, done.index] = done.outcome
        if topic.complete():
            reading = topic.read(topic.in_order())
            following += reading.then
            for line in reading.lines:
                found(line)
    return following
