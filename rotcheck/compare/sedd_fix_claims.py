"""The fix that rotcheck started from, on trial: its claims, each in worker processes of its own."""

from importlib.metadata import PackageNotFoundError, version

from rotcheck import __version__
from rotcheck.isolation import Done, Job, Returned
from rotcheck.results import Claim, Trial
from rotcheck.study.study import Study

CLAIMS = {
    "torchscript": '"TorchScript does not work with MPS/CPU devices"',
    "identical": '"Mathematically identical results to Flash Attention"',
    "exceptions": '"Handles all exceptions gracefully"',
    "messages": '"Clear error messages for debugging"',
}


def trial() -> Trial:
    """Hold each claim against runs on this machine; needs no GPU, and says what it lacks."""
    jobs = [
        Job(name, "rotcheck.compare.sedd_fix_experiments:open_claim", name, [None], limit=120)
        for name in CLAIMS
    ]
    with Study(("torch", "rotcheck.compare.sedd_fix_experiments")) as study:
        claims = {result.job.name: _claim(result) for result in study.run(jobs)}
    return Trial(
        rotcheck=__version__, torch=_torch(), claims=tuple(claims[name] for name in CLAIMS)
    )


def _claim(result: Done) -> Claim:
    claim = CLAIMS[result.job.name]
    if isinstance(result.outcome, Returned):
        return Claim(
            claim=claim,
            holds=result.outcome.value["holds"],
            seen=tuple(result.outcome.value["seen"]),
        )
    return Claim(claim=claim, holds=None, seen=(f"not run: {result.outcome}",))


def _torch() -> str | None:
    try:
        return version("torch")
    except PackageNotFoundError:
        return None
