"""`rotcheck probe --full`: devices, fusers, libraries and compilers."""

from record import Step, run


def main(step: Step) -> None:
    """Probe, and say what the device did, the libraries and compilers,
    and whatever fails for a known cause."""
    report = step.rotcheck("probe", "--full", report="machine")
    lines = report["machine"]["lines"] if report else []
    device = next(
        (line for line in lines if line["name"] in (step.device, f"{step.device}:0")), None
    )
    runs = device is not None and device["state"] == "runs"
    step.say(
        "the device runs",
        runs,
        f"{device['state']}: {device['detail']}" if device else "it is not told of",
    )
    for line in lines:
        if line["group"] in ("compilers", "libraries") or line["failure"]:
            known = f" ({line['failure']})" if line["failure"] else ""
            step.tell(
                f"{line['group']}: {line['name']}", f"{line['state']}: {line['detail']}{known}"
            )


if __name__ == "__main__":
    run(main)
