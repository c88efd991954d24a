"""`identify` and `context` on a model file: as on the CPU, and TF32 the device's own."""

from typing import Any

import torch
from record import GIVEN, Step, run

from rotcheck.results import Description

FILE = str(GIVEN / "model.py")
PRODUCT, TF32 = "model.py:PaddedRotary", "matmul-high"
REAL = 10  # times as far off is a product in TF32, whose mantissa has 13 bits less
FIELDS = ("follows", "call", "also", "longest_context")
MEASURED = ("frequencies", "theta")

Named = dict[Any, dict[str, Any]]


def main(step: Step) -> None:
    """Ask both commands on the CPU and on the device, and hold their answers against each other."""
    found = {device: identify(step, device) for device in devices(step)}
    step.ask("identify", lambda: same_identity(step, found))
    rows = {device: context(step, device) for device in devices(step)}
    step.ask("context", lambda: same_context(step, rows))
    step.ask("TF32", lambda: tf32(step, rows[step.device]))


def devices(step: Step) -> tuple[str, ...]:
    """Return the CPU and the device."""
    return tuple(dict.fromkeys(("cpu", step.device)))


def identify(step: Step, device: str) -> Named:
    """Return what `identify` says of each function."""
    name = f"identify-{device.replace(':', '-')}"
    report = step.rotcheck("identify", FILE, "--device", device, report=name)
    return {one["specification"]: one for one in report.get("identifications", [])}


def context(step: Step, device: str) -> Named:
    """Return the row of each object and condition that `context` measures."""
    name = f"context-{device.replace(':', '-')}"
    report = step.rotcheck("context", FILE, "--device", device, report=name)
    return {(row["implementation"], row["condition"]): row for row in report.get("rows", [])}


def same_identity(step: Step, found: dict[str, Named]) -> None:
    """Say of each function whether `identify` says the same of it on the device."""
    here, on_cpu = found[step.device], found["cpu"]
    for name, one in on_cpu.items():
        if step.device == "cpu":
            step.say(
                f"identify {name}",
                one["follows"],
                "follows a convention" if one["follows"] else told(one),
            )
        elif name not in here:
            step.pass_over(f"identify {name}, same as on the CPU", "it was not asked on the device")
        else:
            pairs = zip(facts(here[name]), facts(one), strict=True)
            apart = "; ".join(
                f"{field}: {own} and not {other}"
                for (field, own), (_, other) in pairs
                if own != other
            )
            step.say(
                f"identify {name}, same as on the CPU", not apart, apart or "the same convention"
            )


def facts(one: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return what must be the same everywhere; frequencies are measured,
    and each device rounds them its own way."""
    said = [(field, one[field]) for field in FIELDS]
    fields = (one["convention"] or dict.fromkeys(Description.__struct_fields__)).items()
    return [*said, *((field, value) for field, value in fields if field not in MEASURED)]


def told(one: dict[str, Any]) -> str:
    """Return why a function follows no convention."""
    return str(one["message"] or "; ".join(each["message"] for each in one["findings"]))


def same_context(step: Step, rows: dict[str, Named]) -> None:
    """Say whether each row has the same verdict and finding on the device;
    where the CPU emulates, it may differ."""
    on_cpu, here = rows["cpu"], rows[step.device]
    if step.device == "cpu":
        agree = sum(row["verdict"] == "agrees" for row in on_cpu.values())
        step.tell(
            "context",
            f"{agree} of {len(on_cpu)} rows agree; on a device they are held against these",
        )
    else:
        asked = {key: row for key, row in on_cpu.items() if key in here and not row["emulated"]}
        apart = [difference(key, row, here[key]) for key, row in asked.items()]
        wrong = [each for each in apart if each]
        said = (
            f"{len(wrong)} of {len(asked)} rows differ{': ' if wrong else ''}{'; '.join(wrong[:4])}"
        )
        step.say("context, same verdicts as on the CPU", bool(asked) and not wrong, said)


def difference(key: Any, row: dict[str, Any], here: dict[str, Any]) -> str:
    """Return in what the device's row differs from the CPU's; empty: in nothing."""
    if (here["verdict"], here["finding"]) == (row["verdict"], row["finding"]):
        return ""
    return f"{key[0]} {key[1]} {here['verdict']} ({here['message']}) and not {row['verdict']} ({row['message']})"


def tf32(step: Step, rows: Named) -> None:
    """Say whether the device's own products were measured, and how far TF32 puts the angles off."""
    question = "TF32 is the device's own and not emulated"
    if step.kind != "cuda" or torch.cuda.get_device_capability(step.device) < (8, 0):
        step.pass_over(question, f"{step.device} has no TF32; it is emulated there")
        return
    row = rows.get((PRODUCT, TF32))
    if row is None:
        step.pass_over(question, "context was not asked on the device")
        return
    own = product_error(step.device, "high")
    said = f"emulated: {row['emulated']}; a product of 1024 x 1024 matrices is {own:.2g} off, relatively"
    step.say(
        question, not row["emulated"] and own > REAL * product_error(step.device, "highest"), said
    )
    worst = max((phase["error"] or 0.0 for phase in row["phases"]), default=0.0)
    step.tell(
        "TF32 in `rotcheck context`",
        f"{worst:.3g} rad off at worst ({row['verdict']}) in {PRODUCT}",
    )


def product_error(device: str, precision: str) -> float:
    """Return how far the device's product of float32 matrices is from that of float64,
    relatively."""
    generator = torch.Generator().manual_seed(0)
    # (N, N) each
    a, b = (torch.randn(1024, 1024, generator=generator).to(device) for _ in range(2))
    right = a.double() @ b.double()  # (N, N)
    torch.set_float32_matmul_precision(precision)
    off = (a @ b - right).norm() / right.norm()
    torch.set_float32_matmul_precision("highest")
    return off.item()


if __name__ == "__main__":
    run(main)
