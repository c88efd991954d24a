"""Times the training steps of one program with and without `rotcheck watch`, side by side.

    python tests/benchmarks/watched_steps.py [STEPS]

Two processes train the same small model and take turns, step by step, so that the ratio of a pair
holds on a noisy machine. The first steps, in which calls are watched, are shown by themselves. The
times are those of the processor.
"""

import statistics
import subprocess
import sys
import time

import torch
from torch import Tensor, nn

FIRST = 5  # steps, in which calls are watched
SERVE = "serve"


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


def serve() -> None:
    """Make a step for each line that comes, and answer with the seconds that it took."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(
        nn.Embedding(99, 128), *(Layer(128) for _ in range(4)), nn.Linear(128, 99)
    )
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for _ in sys.stdin:
        start = time.process_time()
        tokens = torch.randint(99, (4, 128))
        with torch.autocast("cpu", torch.bfloat16, enabled=False):
            loss = nn.functional.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print(time.process_time() - start, flush=True)


def begin(*before: str) -> "subprocess.Popen[str]":
    """Begin a process that serves steps."""
    command = [*before, sys.executable, __file__, SERVE]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1)


def step(server: "subprocess.Popen[str]") -> float:
    """Have a process make a step; return its seconds."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("\n")
    return float(server.stdout.readline())


def pair(
    watched: "subprocess.Popen[str]", plain: "subprocess.Popen[str]", watched_first: bool
) -> tuple[float, float]:
    """Have both make a step, one after the other; return the seconds of each."""
    if watched_first:
        return step(watched), step(plain)
    seconds = step(plain)
    return step(watched), seconds


def main(steps: int) -> None:
    """Print how many times the step time without a watch the one with it is."""
    plain, watched = begin(), begin(sys.executable, "-m", "rotcheck", "watch", "-q", "--")
    pairs = [pair(watched, plain, number % 2 == 0) for number in range(FIRST + steps)]
    for server in (plain, watched):
        server.communicate()
    first = ", ".join(f"{1000 * a:.0f} ms for {1000 * b:.0f} ms" for a, b in pairs[:FIRST])
    ratios = sorted(a / b for a, b in pairs[FIRST:])
    quarter = len(ratios) // 4
    print(f"the first {FIRST} steps: {first}")
    print(f"the {steps} steps after them: {statistics.median(ratios):.4f} times", end=" ")
    print(f"(half of them {ratios[quarter]:.3f} to {ratios[-quarter - 1]:.3f}), the sums", end=" ")
    print(f"{sum(a for a, _ in pairs[FIRST:]) / sum(b for _, b in pairs[FIRST:]):.4f} times")


if __name__ == "__main__":
    serve() if SERVE in sys.argv else main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
