"""Does the process stay as it was?

This covers TorchScript's executor, default dtype and device, threads, grad mode, autocast, random
state and torch's own functions (`torch.cos`). Do standard output and error stay open?

Catches: the flag that makes every other scripted function fail.
"""

from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.subject import CALLS, Subject

level = "quick"
order = 120
needs_values = False


def run(subject: Subject, case: Case) -> Evidence:
    """Call it three times; what it, or its import, changed and did not declare is the finding."""
    for _ in range(CALLS):
        subject.call(case.call())
    switches = subject.changed()
    if not switches:
        streams = " and ".join(subject.streams)
        return Evidence(note=f"writes to {streams} when it is called" if streams else None)
    message = "; ".join(subject.change(switch) for switch in switches)
    return Evidence(finding=switches[0].finding, message=f"changes the whole process: {message}")
