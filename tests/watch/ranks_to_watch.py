"""Two ranks: parts of one sequence turned right and wrong, whole sequences, and parts of heads."""

import os

import torch
import torch.distributed as dist
from torch import Tensor, nn

S, H, D = 16, 2, 32
RANK = int(os.environ["RANK"])


def turn(x: Tensor, first: int) -> Tensor:
    frequencies = 1 / 10000 ** (torch.arange(0, D, 2) / D)
    angles = (torch.arange(x.shape[1]) + first)[:, None, None] * frequencies  # (S, 1, P)
    a, b = x.chunk(2, -1)
    return torch.cat((a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()), -1)


def of_own_part(x: Tensor) -> Tensor:
    return turn(x, RANK * S)


def each_from_0(x: Tensor) -> Tensor:
    return turn(x, 0)


def ring_from_0(x: Tensor) -> Tensor:
    return turn(x, 0)


def whole_sequences(x: Tensor) -> Tensor:
    return turn(x, 0)


def parts_of_heads(x: Tensor) -> Tensor:
    return turn(x, 0)


def gather(k: Tensor) -> Tensor:
    parts = [torch.empty_like(k), torch.empty_like(k)]
    dist.all_gather(parts, k.detach().contiguous())
    return torch.cat(parts, 1)


def ring(k: Tensor) -> Tensor:
    other = torch.empty_like(k)
    request = dist.isend(k.detach().contiguous(), 1 - RANK)
    dist.recv(other, 1 - RANK)
    request.wait()
    return torch.cat((k, other), 1)


def stay(k: Tensor) -> Tensor:
    dist.all_reduce(torch.ones(1))
    return k


class Attention(nn.Module):
    def __init__(self, rotate: object, send: object) -> None:
        super().__init__()
        self.qk, self.rotate, self.send = nn.Linear(H * D, 2 * H * D), rotate, send

    def forward(self, x: Tensor) -> Tensor:
        q, k = self.qk(x).unflatten(-1, (2, H, D)).unbind(2)  # (B, S, H, D) each
        q, k = self.rotate(q), self.send(self.rotate(k))  # type: ignore[operator]
        weights = (q.flatten(2) @ k.flatten(2).mT).softmax(-1)
        return x + weights @ k.flatten(2)


def main() -> None:
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    pairs = (
        (of_own_part, gather),
        (each_from_0, gather),
        (ring_from_0, ring),
        (whole_sequences, stay),
    )
    context = nn.Sequential(nn.Embedding(99, H * D), *(Attention(*pair) for pair in pairs))
    heads = nn.Sequential(nn.Embedding(99, H * D), Attention(parts_of_heads, gather))
    heads(torch.arange(2 * S).view(2, S))  # the same tokens on both
    context(torch.randint(99, (2, S), generator=torch.Generator().manual_seed(RANK)))
    dist.destroy_process_group()


main()
