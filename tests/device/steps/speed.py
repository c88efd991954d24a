"""`rotcheck bench`: our functions against flash-attn's and Liger's, and the targets."""

from typing import Any

from record import GIVEN, Step, run

SMALL, LARGE = "2x10x3x8x64", "4x4096x3x32x128"
FORWARD, BOTH = "forward", "forward+backward"
REFERENCES = ("rotcheck", "native")
RIVALS = {"flash-attn": "one_tensor", "flash-attn-qkv": "packed", "liger": "heads_first"}
# last and apart: torch.compile takes its time, and nothing is aimed at here
SLOW = "native-compiled"
BANDWIDTH = 85.0  # percent of that of a copy

Rows = dict[tuple[str, str, str], dict[str, Any]]


def main(step: Step) -> None:
    """Time all of them at both shapes, then torch.compile,
    and hold the targets against the rows."""
    ours = [f"{GIVEN / 'ours.py'}:{name}" for name in RIVALS.values()]
    rows: Rows = {}
    # a CPU takes minutes for the large one
    shapes = (SMALL,) if step.kind == "cpu" else (SMALL, LARGE)
    for shape in shapes:
        timed(step, f"speed-{shape}", [*REFERENCES, *RIVALS, *ours], shape, rows)
    timed(step, "speed-compiled", [SLOW], ",".join(shapes), rows)
    for shape in (SMALL, LARGE):
        for pass_ in (FORWARD, BOTH):
            for rival, own in RIVALS.items():
                as_fast(step, rows, rival, f"ours.py:{own}", shape, pass_)
    bandwidth(step, rows)
    one_launch(step, rows)


def timed(step: Step, report: str, names: list[str], shape: str, rows: Rows) -> None:
    """Run `rotcheck bench`, and add its rows."""
    options = [
        "--device",
        step.device,
        "--dtype",
        "bfloat16",
        "--shape",
        shape,
        "--seconds",
        "0.15",
    ]
    found = step.rotcheck("bench", *names, *options, report=report)
    for row in found.get("timings", []):
        rows[row["implementation"], row["shape"], row["pass"]] = row
        if row["state"] not in ("ran", "unavailable", "skipped"):
            told = f"{row['state']}: {row['message']}"
            step.say(
                f"{row['implementation']} is timed at {row['shape']} {row['pass']}", False, told
            )


def as_fast(step: Step, rows: Rows, rival: str, own: str, shape: str, pass_: str) -> None:
    """Say whether our function of the rival's form takes no longer,
    beyond what the noise allows."""
    overhead = (shape, pass_) == (SMALL, FORWARD) and rival.startswith("flash-attn")
    what = "no more overhead than" if overhead else "at least as fast as"
    question = f"{shape} {pass_}: {what} {rival}"
    ours, theirs = rows.get((own, shape, pass_)), rows.get((rival, shape, pass_))
    if ours is None or theirs is None or not ours["seconds"] or not theirs["seconds"]:
        step.pass_over(question, missing(rival, theirs) or missing(own, ours) or "")
        return
    a, b = ours["seconds"], theirs["seconds"]
    held = a["median"] <= b["median"] or a["q25"] <= b["q75"]
    aim(step, question, held, f"{own} {microseconds(a)}, {rival} {microseconds(b)}")


def aim(step: Step, question: str, held: bool, figure: str) -> None:
    """Say whether a target is met; what is aimed at is aimed at on CUDA devices,
    and elsewhere it is a figure."""
    if step.kind == "cuda":
        step.say(question, held, figure)
    else:
        step.tell(question, figure)


def missing(name: str, row: dict[str, Any] | None) -> str | None:
    """Return why there is no time of an implementation."""
    if row is None:
        return f"{name} was not timed"
    return None if row["seconds"] else f"{name} {row['state']}: {row['message']}"


def microseconds(spread: dict[str, float]) -> str:
    """Return a time with its noise."""
    noise = (spread["q75"] - spread["q25"]) / 2
    return f"{spread['median'] * 1e6:.3g} ± {noise * 1e6:.2g} µs"


def bandwidth(step: Step, rows: Rows) -> None:
    """Say whether the large shape moves at the speed of a copy, or nearly so."""
    for pass_ in (FORWARD, BOTH):
        question = f"{LARGE} {pass_}: at least {BANDWIDTH:.0f} % of the bandwidth of a copy"
        row = rows.get(("rotcheck", LARGE, pass_))
        if row is None or not row["copy_share"]:
            step.pass_over(question, missing("rotcheck", row) or "no copy was timed")
            continue
        share, rate = row["copy_share"]["median"], row["copy_gb_per_second"]
        aim(step, question, share >= BANDWIDTH, f"{share:.1f} % of {rate:.0f} GB/s ({row['path']})")


def one_launch(step: Step, rows: Rows) -> None:
    """Say whether a call is one kernel; a CPU launches none, and its operations are counted."""
    for shape in (SMALL, LARGE):
        question = f"{shape} {FORWARD}: one launch"
        row = rows.get(("rotcheck", shape, FORWARD))
        if row is None or row["launches"] is None:
            step.pass_over(question, missing("rotcheck", row) or "launches cannot be counted here")
        else:
            aim(step, question, row["launches"] == 1, f"{row['launches']} ({row['path']})")


if __name__ == "__main__":
    run(main)
