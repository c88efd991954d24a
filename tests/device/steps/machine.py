"""`rotcheck probe --full`: devices, fusers, libraries and compilers."""

from record import Step, run


def main(step: Step) -> None:
    """Probe, and say of the device, and of whatever has a known cause of failing, what it did."""
    report = step.rotcheck("probe", "--full", report="machine")
    lines = report["machine"]["lines"] if report else []
    device = next((line for line in lines if line["name"] in (step.device, f"{step.device}:0")), None)
    runs = device is not None and device["state"] == "runs"
    step.say(
        "the device runs", runs, f"{device['state']}: {device['detail']}" if device else "it is not told of"
    )
    for line in lines:
        told = f"{line['state']}: {line['detail']}"
        if line["name"] == f"torch.compile on {device and device['name']}":
            step.say(line["name"], line["state"] == "runs", told)
        elif line["group"] == "libraries" or line["failure"]:
            known = f" ({line['failure']})" if line["failure"] else ""
            step.tell(f"{line['group']}: {line['name']}", f"{told}{known}")


if __name__ == "__main__":
    run(main)
