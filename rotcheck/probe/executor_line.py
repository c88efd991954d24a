"""TorchScript's executors and fusers: a line for each on each device."""

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe.devices import Claim
from rotcheck.probe.outcome_lines import outcome_line
from rotcheck.results import Line


def executor_line(executor: str, claim: Claim, outcome: Outcome) -> Line:
    """Return what a scripted rotation did under this executor on this device."""
    settings = outcome.value if isinstance(outcome, Returned) else {}
    unscripted = settings.get("scripted") is False
    return outcome_line(
        "torchscript",
        executor if executor.endswith("CPU") else f"{executor} on {claim.name}",
        outcome,
        detail="ran as plain Python: scripting is switched off" if unscripted else "",
        stand_in=claim.stand_in,
        values={"executor": executor, "device": claim.name, **settings},
    )
