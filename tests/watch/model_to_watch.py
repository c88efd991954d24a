"""A model whose layers turn q and k each in a way of its own, right and wrong."""

import sys

import torch
from torch import Tensor, nn

S, H, D = 260, 2, 32


def tables(length: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    frequencies = 1 / 500000 ** (torch.arange(0, D, 2) / D)
    angles = torch.arange(length).to(dtype)[:, None].float() * frequencies  # (S, D / 2)
    angles = torch.cat((angles, angles), -1)[:, None]  # (S, 1, D)
    return angles.cos(), angles.sin()


def rotate_half(x: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return x * cos + rotate_half(x) * sin


def kernel(q: Tensor) -> Tensor:
    raise NotImplementedError("no kernel for the CPU")


def right(q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    cos, sin = tables(q.shape[1])
    try:  # noqa: SIM105
        kernel(q)
    except Exception:
        pass
    return turn(q, cos, sin), turn(k, cos, sin)


def unrelated() -> None:
    try:  # noqa: SIM105
        {}["nothing"]
    except KeyError:
        pass


def rounded(q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Positions beyond 256 are no numbers of bfloat16."""
    cos, sin = tables(q.shape[1], torch.bfloat16)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


def widen(q: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return q * cos + rotate_half(q) * sin


def one_sign(q: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = q.chunk(2, -1)
    return q * cos + torch.cat((b, a), -1) * sin


class Attention(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.project = nn.Linear(H * D, 2 * H * D)

    def forward(self, x: Tensor) -> Tensor:
        unrelated()
        q, k = self.project(x).unflatten(-1, (2, H, D)).unbind(2)  # (B, S, H, D) each
        if self.kind in ("right", "rounded"):
            q, k = globals()[self.kind](q, k)
        else:
            cos, sin = tables(q.shape[1])
            q, k = widen(q.bfloat16(), cos, sin), one_sign(k, cos, sin)
        weights = (q.float().flatten(2) @ k.float().flatten(2).mT).softmax(-1)  # (B, S, S)
        return x + weights @ x


@torch.compile(backend="eager")
def compiled(x: Tensor) -> Tensor:
    return turn(x, x, x)


class Head(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return compiled(x[:, None]).square().mean()


def main() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Embedding(9, H * D), *map(Attention, ("right",) * 4 + ("rounded", "other")), Head()
    )
    for _ in range(5):
        loss = layers(torch.randint(9, (2, S)))
        loss.backward()
        print(loss.item(), sys.getprofile(), type(nn.Module.__dict__["__call__"]).__name__)
    from torch._dynamo.utils import counters

    print(dict(counters["frames"]), dict(counters["graph_break"]))


main()
