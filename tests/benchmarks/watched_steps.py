"""Times the training steps of one program with and without `rotcheck watch`, side by side.

    python tests/benchmarks/watched_steps.py [STARTS] [STEPS]

Three processes train the same model and take turns, step by step, so that what else the machine
does meets all of them: one that is watched, and two that are not. These two, held against each
other, show how much two processes differ by chance. Each round of STEPS is begun anew, STARTS
times, as processes that are alike differ by where their memory lies. The first steps, in which
calls are watched, are shown by themselves.
"""

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

FIRST = 5  # steps, in which calls are watched
SIZES = {  # width, layers, batch, tokens
    "small": (128, 3, 4, 128),
    "large": (256, 5, 4, 256),
}
CLOCKS = "processor time", "wall time"
RESAMPLES = 2000
AUDIT = "audit"
EVENTS = 200_000
WATCH = sys.executable, "-m", "rotcheck", "watch", "-q", "--"

Times = tuple[float, float]
"""The seconds of a step, by each clock."""

Round = list[tuple[Times, ...]]
"""Of each step: the times of the process that is watched, and of the two that are not."""


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate (B, H, S, D) in half pairing."""
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class Layer(nn.Module):
    """Attention and a feed-forward part."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.forth, self.back = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Add both parts to x (B, S, W)."""
        q, k, v = self.project(self.norms[0](x)).unflatten(-1, (3, 4, -1)).permute(2, 0, 3, 1, 4)
        frequencies = 1 / 10000 ** (torch.arange(0, q.shape[-1], 2) / q.shape[-1])  # (D / 2,)
        angles = torch.outer(torch.arange(q.shape[-2]).float(), frequencies).repeat(1, 2)  # (S, D)
        q, k = (rotate(y, angles.cos(), angles.sin()) for y in (q, k))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(-2))
        return x + self.back(self.forth(self.norms[1](x)).relu())


def serve(size: str) -> None:
    """Make a step for each line that comes, and answer with the seconds that it took; to `audit`,
    with what is left of the watch."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    width, layers, batch, length = SIZES[size]
    model = nn.Sequential(
        nn.Embedding(99, width), *(Layer(width) for _ in range(layers)), nn.Linear(width, 99)
    )
    optimizer = torch.optim.SGD(model.parameters(), 0.01)

    def train() -> None:
        tokens = torch.randint(99, (batch, length))
        with torch.autocast("cpu", torch.bfloat16, enabled=False):
            loss = nn.functional.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    for line in sys.stdin:
        if line.strip() == AUDIT:
            print(*audit(train), flush=True)
            continue
        start = time.process_time(), time.perf_counter()
        train()
        print(time.process_time() - start[0], time.perf_counter() - start[1], flush=True)


def audit(train: Callable[[], None]) -> tuple[float, int]:
    """The seconds that an audit event of the interpreter takes, and how many a step has: what is
    left of a watch after the first steps hears these."""
    start = time.process_time()
    for _ in range(EVENTS):
        sys.audit("rotcheck.benchmark")
    seconds = (time.process_time() - start) / EVENTS
    count = 0

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        count += 1

    sys.addaudithook(hear)
    train()
    return seconds, count


def begin(size: str, *before: str) -> "subprocess.Popen[str]":
    """Begin a process that serves steps."""
    command = [*before, sys.executable, __file__, size]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1)


def step(server: "subprocess.Popen[str]", line: str = "") -> Times:
    """Have a process make a step; return its seconds."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f"{line}\n")
    first, second = map(float, server.stdout.readline().split())
    return first, second


def measure_round(size: str, steps: int) -> Round:
    """Have three processes make steps in turn, each as often the first one as the others."""
    servers = [begin(size, *WATCH), begin(size), begin(size)]
    times: Round = []
    for number in range(FIRST + steps):
        order = [(number + turn) % 3 for turn in range(3)]
        seconds = {which: step(servers[which]) for which in order}
        times.append(tuple(seconds[which] for which in range(3)))
    for server in servers:
        server.communicate()
    return times


def tell_rest(size: str) -> None:
    """Print what is left of a watch in each step after the first ones, counted and not timed."""
    servers = [begin(size, *WATCH), begin(size)]
    for server in servers:
        times = [step(server) for _ in range(FIRST)]
    with_watch, without = (step(server, AUDIT) for server in servers)
    for server in servers:
        server.communicate()
    rest = (with_watch[0] - without[0]) * with_watch[1]
    print(
        f"  what is left of it: {with_watch[1]:.0f} audit events a step, {1e6 * rest:.1f} us, ",
        end="",
    )
    print(f"{100 * rest / times[-1][0]:.4f} % of a step")


def ratios_of(rounds: Sequence[Round], clock: int, first: int, second: int) -> list[list[float]]:
    """How many times the seconds of one process those of another are: of each step that was not
    watched, by rounds."""
    return [[x[first][clock] / x[second][clock] for x in steps[FIRST:]] for steps in rounds]


def middle(rounds: Sequence[Sequence[float]]) -> float:
    """The mean over the rounds of the median of each."""
    return statistics.fmean(map(statistics.median, rounds))


def interval(rounds: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Between which values the middle lies, 95 times of 100: of rounds and steps drawn again."""
    draw = random.Random(0)
    middles = sorted(
        middle([draw.choices(steps, k=len(steps)) for steps in draw.choices(rounds, k=len(rounds))])
        for _ in range(RESAMPLES)
    )
    return middles[RESAMPLES // 40], middles[-RESAMPLES // 40]


def tell(rounds: Sequence[Round], name: str, first: int, second: int) -> None:
    """Print how many times the seconds of one process those of another are, by each clock."""
    for clock, word in enumerate(CLOCKS):
        ratios = ratios_of(rounds, clock, first, second)
        low, high = interval(ratios)
        print(f"  {name}, {word}: {middle(ratios):.4f} times ({low:.4f} to {high:.4f})")


def main(starts: int, steps: int) -> None:
    """Print how many times the step time without a watch the one with it is."""
    for size in SIZES:
        rounds = [measure_round(size, steps) for _ in range(starts)]
        plain = statistics.median(x[1][0] for each in rounds for x in each[FIRST:])
        print(
            f"{size}: {1000 * plain:.0f} ms a step without a watch; {starts} starts, {steps} steps"
        )
        first = ", ".join(f"{1000 * x[0][0]:.0f}" for x in rounds[0][:FIRST])
        print(f"  the first {FIRST} steps with it: {first} ms")
        tell(rounds, "with and without a watch", 0, 1)
        tell(rounds, "both without a watch", 2, 1)
        tell_rest(size)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in SIZES:
        serve(sys.argv[1])
    else:
        main(*(map(int, sys.argv[1:]) if len(sys.argv) > 2 else (6, 60)))
