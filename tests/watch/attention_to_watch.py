"""A model whose layers hand their attention what was turned, and what was not, each in its way."""

from types import FunctionType

import torch
import torch._dynamo  # as the model runs, each of its calls would be watched
from torch import Tensor, nn
from torch.nn import functional

S, H, D = 40, 4, 16


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
        name = f"rotate_{type(self).__name__}".lower()
        self.rotate = FunctionType(rotate.__code__.replace(co_name=name), globals())

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = self.project(x).unflatten(-1, (-1, D)).split(self.sizes, 2)  # (B, S, H, D) each
        return q, k, v


class Twice(Layer):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        q, k = self.rotate(q), self.rotate(self.rotate(k))
        q, k, v = (y.transpose(1, 2) for y in (q, k, v))
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class Dropped(Layer):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.transpose(1, 2) for y in self.parts(x))
        q, _ = self.rotate(q.transpose(1, 2)), self.rotate(k.transpose(1, 2))
        q = q.transpose(1, 2)
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class Along(Layer):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.rotate(y).transpose(1, 2) for y in self.parts(x))
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class Lost(Layer):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.transpose(1, 2) for y in self.parts(x))
        self.rotate(q.transpose(1, 2)), self.rotate(k.transpose(1, 2))
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class Grouped(Layer):
    def __init__(self) -> None:
        super().__init__(keys=2)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        q, k = self.rotate(q).transpose(1, 2), self.rotate(k).transpose(1, 2)
        k = k.repeat_interleave(2, 1)
        v = v.transpose(1, 2)
        mixed = functional.scaled_dot_product_attention(
            query=q.contiguous(), key=k, value=v.repeat_interleave(2, 1), is_causal=True
        )
        return mixed.transpose(1, 2).flatten(2)


class Unpacked(Layer):
    """The call does not name what it hands over."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        parts = [y.transpose(1, 2) for y in (self.rotate(q), k, v)]
        return functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)


class Cached(Layer):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.parts(x)
        q, k = self.rotate(q), self.rotate(k)
        k, v = (torch.cat((torch.ones_like(y[:, :7]), y), 1) for y in (k, v))
        q, k, v = (y.transpose(1, 2) for y in (q, k, v))
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class Compiled(Layer):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.transpose(1, 2) for y in self.parts(x))
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def main() -> None:
    torch.manual_seed(0)
    compiled = torch.compile(Compiled(), backend="eager")
    layers = Twice(), Dropped(), Along(), Lost(), Grouped(), Unpacked(), Cached(), compiled
    model = nn.Sequential(nn.Embedding(9, H * D), *layers)
    for _ in range(5):
        model(torch.randint(9, (2, S))).square().mean().backward()
    counters = torch._dynamo.utils.counters

    print(dict(counters["frames"]), dict(counters["recompile_limit"]))


main()
