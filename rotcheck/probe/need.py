"""What all commands but `probe` need: a torch that can be imported and is new enough, or one message."""

from collections.abc import Iterator, Sequence

from rotcheck.errors import NoTorch
from rotcheck.isolation import Done, Job, Outcome, Pool, Raised
from rotcheck.probe.library_lines import ABOUT, torch_line
from rotcheck.probe.topic import questions
from rotcheck.results import Line


def required(torch: Line | None) -> None:
    """Raise `NoTorch` unless this line of a probe says that torch runs."""
    if torch is None or torch.state == "runs":
        return
    if torch.state in ("absent", "too old"):
        raise NoTorch(f"{torch.detail}; nothing was run. {torch.fix}")
    raise NoTorch(
        f"torch cannot be imported: {torch.detail}; nothing was run. `rotcheck explain {torch.failure}` says what to do"
    )


def run(pool: Pool, jobs: Sequence[Job]) -> Iterator[Done]:
    """Work off the jobs as `Pool.run` does; raise `NoTorch` when it is torch that cannot be imported."""
    for done in pool.run(jobs):
        if pool.broken:
            required(torch_line(pool.broken))
        elif isinstance(done.outcome, Raised) and done.outcome.during:
            required(torch_line(_about(pool)))
        yield done


def _about(pool: Pool) -> Outcome:
    """Return what becomes of importing torch alone."""
    job = questions("torch", ABOUT)
    return next(done.outcome for done in pool.run([job]) if done.job is job)
