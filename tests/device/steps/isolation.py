"""An endless kernel, a device assert, no memory: each costs its own cell only."""

from record import GIVEN, Step, run

DTYPES = ("float32", "float16", "bfloat16")
HARM = "float16"  # in which each of the planted ones misbehaves
DIED = ("raises", "crashes")
UNCHECKED = ("asserts", "mps")
EXPECTED = {"healthy": ("agrees",), "endless": ("hangs",), "asserts": DIED, "exhausts": DIED}


def main(step: Step) -> None:
    """Compare the planted implementations, and look which cells each of them cost."""
    planted(step)
    step.ask("pools can be forked beside the use of the device", lambda: beside_its_own_use(step))


def planted(step: Step) -> None:
    """Hold the verdict of each cell against what its function does in it."""
    expected = {name: of for name, of in EXPECTED.items() if (name, step.kind) != UNCHECKED}
    if len(expected) < len(EXPECTED):
        step.pass_over("asserts costs its own cell only", f"{step.device} does not check indices")
    names = [f"{GIVEN / 'planted.py'}:{name}" for name in expected]
    options = [
        "--device",
        step.device,
        "--dtype",
        ",".join(DTYPES),
        "--check",
        "forward",
        "--timeout",
        "5",
    ]
    report = step.rotcheck("compare", *names, *options, report="isolation")
    told = report.get("cells", [])
    cells = {(cell["implementation"].rpartition(":")[2], cell["dtype"]): cell for cell in told}
    for name, verdicts_of_harm in expected.items():
        verdicts = {
            dtype: cells[name, dtype]["verdict"] for dtype in DTYPES if (name, dtype) in cells
        }
        neighbours = [verdicts.get(dtype) for dtype in DTYPES if dtype != HARM]
        held = verdicts.get(HARM) in verdicts_of_harm and set(neighbours) == {"agrees"}
        said = ", ".join(f"{dtype} {verdict}" for dtype, verdict in verdicts.items())
        message = cells.get((name, HARM), {}).get("message")
        step.say(
            f"{name} costs its own cell only", held, f"{said}{f' ({message})' if message else ''}"
        )


def beside_its_own_use(step: Step) -> None:
    """Start a pool, use the device in this process, and start another pool."""
    import rotcheck

    def verdicts() -> list[str]:
        report = rotcheck.compare(
            ["native"], devices=[step.device], dtypes=["float32"], checks=["forward"]
        )
        return [cell.verdict for cell in report.cells]

    first = verdicts()
    import torch

    total = torch.ones(1000, device=step.device).sum().item()
    second = verdicts()
    again = torch.ones(1000, device=step.device).sum().item()
    held = first == second == ["agrees"] and total == again == 1000
    step.say(
        "pools can be forked beside the use of the device",
        held,
        f"a pool, {total:g} of 1000 ones, a pool, {again:g} of 1000 ones: cells {first} and {second}",
    )


if __name__ == "__main__":
    run(main)
