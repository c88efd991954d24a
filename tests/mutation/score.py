"""Try every mutant and print what rotcheck says of them:
`python tests/mutation/score.py [--every=N] [NAME ...]`."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch
from judging import Verdict, judged, result, told_of, wrong
from mutants import Mutant, mutants
from originals import Original, originals

Scored = tuple[Original, Mutant, Verdict, float]


def scored(names: list[str], counts: Counter[str], every: int = 1) -> Iterator[Scored]:
    """Yield what is said of each wrong mutant, or of each `every`th;
    `counts` counts all of them."""
    for original in originals(names):
        right = result(original.function, original)
        if right is None:
            counts[f"original does not run: {original.name}"] += 1
            continue
        counts["originals"] += 1
        own = told_of(original.function)
        for mutant in mutants(original.function):
            counts["mutants"] += 1
            is_wrong = wrong(mutant, original, right)
            counts["run"] += is_wrong is not None
            counts["wrong"] += bool(is_wrong)
            if is_wrong and counts["wrong"] % every == 0:
                started = time.process_time()
                yield original, mutant, judged(mutant, original, own), time.process_time() - started


def main(names: list[str], every: int) -> None:
    """Print a line for each mutant that is not found or not named, then the figures."""
    torch.set_num_threads(1)
    counts: Counter[str] = Counter()
    slowest, seconds = 0.0, 0.0
    for original, mutant, verdict, took in scored(names, counts, every):
        counts[f"declared {verdict.declared}"] += 1
        counts[f"undeclared {verdict.told}"] += 1
        counts["named"] += verdict.named
        slowest, seconds = max(slowest, took), seconds + took
        if verdict.declared == "right" or verdict.told == "taken" or not verdict.named:
            print(f"{original.name}: {mutant.rule}: {mutant.line}", flush=True)
            print(
                f"    declared {verdict.declared}, {verdict.told}, {verdict.words[:160]}",
                flush=True,
            )
    for what, count in sorted(counts.items()):
        print(f"{count:6} {what}")
    print(f"{slowest:6.1f} s the slowest, {seconds / max(1, counts['wrong']):.2f} s on average")


if __name__ == "__main__":
    given = sys.argv[1:]
    every = next((int(one[8:]) for one in given if one.startswith("--every=")), 1)
    main([one for one in given if not one.startswith("--")], every)
