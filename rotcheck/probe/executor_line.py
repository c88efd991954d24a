"""The line of a TorchScript executor or fuser on a device."""

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe.devices import DeviceClaim
from rotcheck.probe.outcome_lines import outcome_line
from rotcheck.results import Line


def executor_line(executor: str, claim: DeviceClaim, outcome: Outcome) -> Line:
    """The line of a scripted rotation under this executor on this device."""
    settings = outcome.value if isinstance(outcome, Returned) else {}
    is_plain_python = settings.get("scripted") is False
    return outcome_line(
        "torchscript",
        executor if executor.endswith("CPU") else f"{executor} on {claim.name}",
        outcome,
        detail="ran as plain Python: scripting is switched off" if is_plain_python else "",
        stand_in=claim.stand_in,
        values={"executor": executor, "device": claim.name, **settings},
    )
