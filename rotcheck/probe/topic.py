"""A topic: questions that belong together, and what their outcomes mean. Runs them on a pool."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rotcheck.isolation import Job, Outcome, Pool
from rotcheck.results import Line

LIMIT = 60.0  # seconds for one question: the first kernel on a GPU may take many


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the outcomes of a topic mean: lines, and topics that follow from them."""

    lines: Sequence[Line] = ()
    then: Sequence["Topic"] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """Jobs that belong together; `read` gets all outcomes, in the order of jobs and questions."""

    jobs: Sequence[Job]
    read: Callable[[list[Outcome]], Conclusion]
    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict)

    def complete(self) -> bool:
        """Whether every question has its outcome."""
        return len(self.outcomes) == sum(len(job.tasks) for job in self.jobs)

    def in_order(self) -> list[Outcome]:
        """The outcomes in the order of jobs and questions."""
        return [
            self.outcomes[job.name, index] for job in self.jobs for index in range(len(job.tasks))
        ]


def questions(name: str, *calls: Sequence[str], limit: float = LIMIT) -> Job:
    """A job of questions for one worker; each names a file of the probe,
    a function and its arguments."""
    return Job(
        name,
        "rotcheck.probe.inside.ask:open_questions",
        None,
        [list(call) for call in calls],
        limit=limit,
    )


def work_off(pool: Pool, topics: Sequence[Topic], on_line: Callable[[Line], None]) -> None:
    """Run the topics and those that follow from them;
    report each line as soon as its topic is complete."""
    while topics:
        topics = _one_round(pool, topics, on_line)


def _one_round(pool: Pool, topics: Sequence[Topic], on_line: Callable[[Line], None]) -> list[Topic]:
    """Run the topics side by side; return those that follow from them."""
    owner = {job.name: topic for topic in topics for job in topic.jobs}
    following: list[Topic] = []
    for result in pool.run([job for topic in topics for job in topic.jobs]):
        topic = owner[result.job.name]
        topic.outcomes[result.job.name, result.index] = result.outcome
        if topic.complete():
            reading = topic.read(topic.in_order())
            following += reading.then
            for line in reading.lines:
                on_line(line)
    return following
