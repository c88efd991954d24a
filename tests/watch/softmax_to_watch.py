"""A model whose layers write out their attention, and hand it what was turned, or not, each in its
way."""

import math
from itertools import pairwise
from types import FunctionType

import torch
from torch import Tensor, nn
from torch.nn import functional

S, H, D = 40, 4, 16
MASK = torch.ones(S, S, dtype=torch.bool).triu(1)


def rotate(x: Tensor) -> Tensor:
    """Rotate (B, S, H, D) in half pairing."""
    angles = torch.outer(torch.arange(S).float(), 1 / 10000 ** (torch.arange(0, D, 2) / D))
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]  # (S, 1, D / 2)
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Layer(nn.Module):
    """An attention, with a function of its own that turns: each is looked at a few times only."""

    def __init__(self, keys: int = H) -> None:
        super().__init__()
        self.sizes = H, keys, keys
        self.project = nn.Linear(H * D, (H + 2 * keys) * D)
        self.out = nn.Linear(H * D, H * D, bias=False)
        name = f"rotate_{type(self).__name__}".lower()
        self.rotate = FunctionType(rotate.__code__.replace(co_name=name), globals())

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = self.project(x).unflatten(-1, (-1, D)).split(self.sizes, 2)  # (B, S, H, D) each
        return q, k, v


class Right(Layer):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        q, k, v = (y.transpose(1, 2) for y in (self.rotate(q), self.rotate(k), v))
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(D))
        att = att.masked_fill(MASK, float("-inf"))
        att = functional.dropout(functional.softmax(att, dim=-1), 0.1)
        return self.out((att @ v).transpose(1, 2).flatten(2))


class Twice(Layer):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        q, k, v = (y.transpose(1, 2) for y in (self.rotate(self.rotate(q)), self.rotate(k), v))
        att = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(D), -1)
        return self.out((att @ v).transpose(1, 2).flatten(2))


class Dropped(Layer):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        q, _ = self.rotate(q), self.rotate(k)
        att = (torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(D)).softmax(-1)
        return self.out(torch.einsum("bhqk,bkhd->bqhd", att, v).flatten(2))


class Along(Layer):
    def __init__(self) -> None:
        super().__init__()
        self.softmax = nn.Softmax(-1)

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        return self.softmax(q.flatten(0, 1).bmm(k.flatten(0, 1).mT) / math.sqrt(D))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.rotate(y).transpose(1, 2) for y in self.parts(x))
        mixed = self.weights(q, k).bmm(v.flatten(0, 1)).unflatten(0, (-1, H))
        return self.out(mixed.transpose(1, 2).flatten(2))


class Both(Layer):
    """Its attention returns its weights too, as for a picture."""

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        scores = torch.baddbmm(torch.zeros(1), q, k.mT, alpha=D**-0.5)
        weights = torch.softmax(scores, -1)
        return weights, weights @ v

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        q, k, v = (y.transpose(1, 2).flatten(0, 1) for y in (self.rotate(q), self.rotate(k), v))
        _, mixed = self.attend(q, k, v)
        return self.out(mixed.unflatten(0, (-1, H)).transpose(1, 2).flatten(2))


class Grouped(Layer):
    """Autocast makes bfloat16 of what was turned; a router has a softmax too."""

    def __init__(self) -> None:
        super().__init__(keys=2)
        self.router = nn.Linear(H * D, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        q, k = self.rotate(q).transpose(1, 2), self.rotate(k).transpose(1, 2)
        share = torch.softmax(self.router(x), -1)[..., :1]
        k, v = k.repeat_interleave(2, 1), v.transpose(1, 2).repeat_interleave(2, 1)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = torch.softmax(q @ k.mT / math.sqrt(D), -1) @ v
        return self.out(share * mixed.float().transpose(1, 2).flatten(2))


class Packed(Layer):
    """What its graph keeps is packed, as under activation checkpointing, and nobody else's."""

    unpacked = 0

    def unpack(self, x: Tensor) -> Tensor:
        self.unpacked += 1
        return x

    def attend(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        q, k = self.rotate(q), (self.rotate(k), k)[1]
        q, k, v = (y.transpose(1, 2) for y in (q, k, v))
        mixed = functional.softmax(q @ k.mT / math.sqrt(D), -1) @ v
        return self.out(mixed.transpose(1, 2).flatten(2))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autograd.graph.saved_tensors_hooks(lambda y: y, self.unpack):
            return self.attend(x)


class Quiet(Layer):
    """No graph leads to what it makes."""

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        q, k = self.rotate(q), self.rotate(k)
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k).masked_fill(MASK, float("-inf"))
        weights = torch.softmax(scores, -1)
        return self.out(torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(2))


def main() -> None:
    torch.manual_seed(0)
    layers = Quiet(), Packed(), Right(), Twice(), Dropped(), Along(), Both(), Grouped()
    model = nn.Sequential(nn.Embedding(9, H * D), *layers)
    before = []
    for _ in range(5):
        loss = model(torch.randint(9, (2, S))).square().mean()
        before.append(layers[1].unpacked)
        loss.backward()
    print(before[0], [b - a == before[1] for a, b in pairwise(before)])


main()
