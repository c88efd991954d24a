"""The torch that all commands but `probe` need: one that can be imported and is new enough, or one error."""

from collections.abc import Iterator, Sequence

from rotcheck.errors import NoTorch
from rotcheck.isolation import Done, Job, Outcome, Pool, Raised
from rotcheck.probe.library_lines import ABOUT, torch_line
from rotcheck.probe.topic import questions
from rotcheck.results import Line


def require(torch: Line | None) -> None:
    """Raise `NoTorch` unless this line of a probe says that torch runs."""
    if torch is None or torch.state == "runs":
        return
    if torch.state in ("absent", "too old"):
        raise NoTorch(f"{torch.detail}; nothing was run. {torch.fix}")
    raise NoTorch(
        f"torch cannot be imported: {torch.detail}; nothing was run. `rotcheck explain {torch.failure}` says what to do"
    )


def run(pool: Pool, jobs: Sequence[Job]) -> Iterator[Done]:
    """Run the jobs as `Pool.run` does; raise `NoTorch` if torch cannot be imported."""
    for result in pool.run(jobs):
        if pool.fault:
            require(torch_line(pool.fault))
        elif isinstance(result.outcome, Raised) and result.outcome.during:
            require(torch_line(_about(pool)))
        yield result


def _about(pool: Pool) -> Outcome:
    """The outcome of importing torch alone."""
    job = questions("torch", ABOUT)
    return next(result.outcome for result in pool.run([job]) if result.job is job)
