"""Two stacks of one model, written in different styles: pairs that turn alike, and pairs that do
not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

H, D, WORDS, LONGEST = 3, 16, 41, 2048
WIDTH = H * D
Rates = Callable[[int], Tensor]  # from the length of a sequence to radians a position, (P,)
CONFIG: dict[str, Any] = {
    "model_type": "llama", "rope_theta": 10000.0, "num_attention_heads": H, "hidden_size": WIDTH,
    "head_dim": D, "max_position_embeddings": LONGEST,
}  # fmt: skip
TYPES = ("sliding_attention", "full_attention")


def plain(theta: float = 10000.0, lanes: int = D, factor: float = 1.0) -> Rates:
    row = theta ** (-torch.arange(0, lanes, 2) / lanes) / factor  # (P,)
    return lambda length: row


def dynamic(original: int, factor: float = 4.0) -> Rates:
    """NTK scaling that grows with the length, as transformers has it."""

    def rates(length: int) -> Tensor:
        scale = factor * max(length, original) / original - (factor - 1)
        return plain(10000.0 * scale ** (D / (D - 2)))(length)

    return rates


class Layer(nn.Module):
    """What the attention of all styles has in common."""

    def __init__(self, rates: Rates) -> None:
        super().__init__()
        self.rates = rates
        self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).flatten(-2))


class Stack(nn.Module):
    """Embeds tokens, adds what each layer makes of them, and gives scores of words."""

    layer: type[Layer]

    def __init__(self, rates: Sequence[Rates], config: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.embed, self.head = nn.Embedding(WORDS, WIDTH), nn.Linear(WIDTH, WORDS)
        self.layers = nn.ModuleList(self.layer(each) for each in rates)
        if config:
            self.config = SimpleNamespace(to_dict=lambda: dict(config))


def turn_half(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x[..., : cos.shape[-1]].chunk(2, -1)
    turned = x[..., : cos.shape[-1]] * cos + torch.cat((-b, a), -1) * sin
    return torch.cat((turned, x[..., cos.shape[-1] :]), -1)


def turn_back(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return turn_half(x, cos, -sin)


class HubLayer(Layer):
    """Tables of positions, halves of a head, (B, H, S, D)."""

    turn = staticmethod(turn_half)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        angles = positions[..., None] * self.rates(int(positions.max()) + 1)
        angles = torch.cat((angles, angles), -1)[:, None]  # (B, 1, S, R)
        q, k, v = (y(x).unflatten(-1, (H, D)).transpose(1, 2) for y in (self.q, self.k, self.v))
        q, k = (self.turn(y, angles.cos(), angles.sin()) for y in (q, k))
        return self.attend(q, k, v)


class BackwardLayer(HubLayer):
    turn = staticmethod(turn_back)


class Hub(Stack):
    layer = HubLayer

    def forward(self, input_ids: Tensor, position_ids: Tensor | None = None) -> Tensor:
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1])[None]  # (1, S)
        x = self.embed(input_ids)
        for layer in self.layers:
            x = x + layer(x, position_ids)
        return self.head(x)


class Backward(Hub):
    layer = BackwardLayer


def rotate_pairs(x: Tensor, cis: Tensor) -> Tensor:
    numbers = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))  # (B, S, H, P)
    return torch.view_as_real(numbers * cis[None, :, None]).flatten(-2)


class MetaLayer(Layer):
    """Complex numbers of adjacent lanes, (B, S, H, D)."""

    def forward(self, x: Tensor) -> Tensor:
        positions = torch.arange(x.shape[1])
        cis = torch.polar(torch.ones(1), torch.outer(positions, self.rates(x.shape[1])))  # (S, P)
        q, k, v = (y(x).unflatten(-1, (H, D)) for y in (self.q, self.k, self.v))
        q, k = rotate_pairs(q, cis), rotate_pairs(k, cis)
        return self.attend(*(y.transpose(1, 2) for y in (q, k, v)))


class Meta(Stack):
    layer: type[Layer] = MetaLayer

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        for layer in self.layers:
            x = x + layer(x)
        return self.head(x)


def permuted() -> Meta:
    """The weights of the half style, their rows permuted for adjacent lanes."""
    model, order = Meta([plain(), plain()]), torch.arange(D).reshape(2, -1).T.flatten()  # (D,)
    for layer in model.layers:
        for linear in (layer.q, layer.k):
            linear.weight.data = linear.weight.data.unflatten(0, (H, D))[:, order].flatten(0, 1)
            linear.bias.data = linear.bias.data.unflatten(0, (H, D))[:, order].flatten()
    return model


def rotate_parts(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    x1, x2, rest = x.split((cos.shape[-1], cos.shape[-1], x.shape[-1] - 2 * cos.shape[-1]), -1)
    cos, sin = cos[:, None], sin[:, None]  # (S, 1, P) each
    return torch.cat((x1 * cos - x2 * sin, x2 * cos + x1 * sin, rest), -1)


class PlainLayer(Layer):
    """Tables in buffers, cut to the length; (B, S, H, D)."""

    def __init__(self, rates: Rates) -> None:
        super().__init__(rates)
        angles = torch.outer(torch.arange(LONGEST), rates(LONGEST))  # (N, P)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        cos, sin = self.cos[: x.shape[1]], self.sin[: x.shape[1]]
        q, k, v = (y(x).unflatten(-1, (H, D)) for y in (self.q, self.k, self.v))
        q, k = rotate_parts(q, cos, sin), rotate_parts(k, cos, sin)
        return self.attend(*(y.transpose(1, 2) for y in (q, k, v)))


class Port(Meta):
    layer = PlainLayer


class StillLayer(HubLayer):
    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        return self.attend(
            *(y(x).unflatten(-1, (H, D)).transpose(1, 2) for y in (self.q, self.k, self.v))
        )


class ZeroLayer(HubLayer):
    """Turns by no angle: at position 0, wherever a token stands."""

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        return super().forward(x, 0 * positions)


class Engine(Layer):
    """A layer alone, of which each call makes tables of the positions in use, up to `LONGEST`;
    tokens of all rows in one axis."""

    def forward(self, hidden: Tensor, positions: Tensor) -> Tensor:
        places = positions.flatten()  # (T,)
        angles = torch.outer(torch.arange(LONGEST), self.rates(int(places.max()) + 1))  # (N, P)
        cos, sin = angles.cos()[places], angles.sin()[places]
        q, k, v = (y(hidden).flatten(0, 1).unflatten(-1, (H, D)) for y in (self.q, self.k, self.v))
        q, k = rotate_parts(q, cos, sin), rotate_parts(k, cos, sin)
        rows = (y.view(*positions.shape, H, D).transpose(1, 2) for y in (q, k, v))
        return self.attend(*rows)


def one_at_zero() -> Hub:
    model = Hub([plain(), plain()])
    model.layers[1] = ZeroLayer(plain())
    return model


def one_still() -> Hub:
    model = Hub([plain(), plain()])
    model.layers[1] = StillLayer(plain())
    return model


LOCAL, GLOBAL = plain(10000.0), plain(1000000.0)
TWO_TYPES = CONFIG | {"layer_types": TYPES, "model_type": "gemma3_text"}


def hub(*rates: Rates, config: Mapping[str, Any] | None = CONFIG) -> Callable[[], Hub]:
    return lambda: Hub(rates or (plain(), plain()), config)


def meta(*rates: Rates) -> Callable[[], Meta]:
    return lambda: Meta(rates or (plain(), plain()))


def port(*rates: Rates) -> Callable[[], Port]:
    return lambda: Port(rates or (plain(), plain()))


@dataclass(frozen=True)
class StackPair:
    """Two models. `words`: parts of the message of the row that is not right; none: all are."""

    name: str
    first: Callable[[], nn.Module]
    second: Callable[[], nn.Module]
    verdict: str = "agrees"
    words: Sequence[str] = ()
    lengths: Sequence[int] = field(default=(512, LONGEST))


def geometric(length: int) -> Tensor:
    """Frequencies of no known schedule."""
    return 1 / (1 + torch.arange(8.0)) ** 2  # (P,)


def over_head(length: int) -> Tensor:
    """Those of half a head, with the exponents of a whole one."""
    return plain()(length)[: D // 4]  # (P,)


class LouderLayer(HubLayer):
    @staticmethod
    def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return turn_half(x, 1.2 * cos, 1.2 * sin)


class Louder(Hub):
    layer = LouderLayer


def two(stack: Callable[..., Any], rates: Rates) -> Callable[[], nn.Module]:
    """A stack of two layers that turn alike."""
    return stack(rates, rates)


WRONG, OPEN = "disagrees", "unidentified"
TYPED = {"config": TWO_TYPES}
ALIKE = [
    StackPair("hub and port", hub(), port()),
    StackPair("port and hub", port(), hub()),
    StackPair("ports without lengths", port(), port(), lengths=()),
    StackPair("permuted weights", hub(), permuted),
    StackPair("partial", two(hub, plain(lanes=8)), two(port, plain(lanes=8))),
    StackPair("linear", two(hub, plain(factor=4.0)), two(port, plain(factor=4.0))),
    StackPair("no schedule", two(hub, geometric), two(port, geometric)),
    StackPair("dynamic by positions", two(hub, dynamic(512)), two(hub, dynamic(512))),
    StackPair("dynamic by tokens", two(meta, dynamic(512)), two(meta, dynamic(512))),
    StackPair("far beyond tokens", hub(), port(), lengths=(512, 1 << 17)),
    StackPair("two types", hub(LOCAL, GLOBAL, **TYPED), port(LOCAL, GLOBAL)),
    StackPair("two types by order", hub(LOCAL, GLOBAL), port(LOCAL, GLOBAL)),
    StackPair("types alike", hub(LOCAL, LOCAL, **TYPED), port(LOCAL, LOCAL)),
    StackPair("still layers", one_still, one_still),
]
DIFFERENT = [
    StackPair(
        "theta",
        hub(),
        two(port, plain(500000.0)),
        WRONG,
        ("Plain(theta=10000.0) against Plain(theta=500000.0)", "position 1"),
    ),
    StackPair("lanes", hub(), two(port, plain(lanes=8)), WRONG, ("16 lanes against", "8 lanes")),
    StackPair("exponents", two(hub, plain(lanes=8)), two(port, over_head), WRONG, ("theta=100.0",)),
    StackPair("pairing", hub(), meta(), OPEN, ("half against interleaved pairing", "permuted")),
    StackPair(
        "factor",
        two(hub, plain(factor=4.0)),
        two(port, plain(factor=8.0)),
        WRONG,
        ("factor=4.0", "factor=8.0"),
    ),
    StackPair("no schedule", two(hub, geometric), port(), WRONG, ("no known schedule",)),
    StackPair("ignored beyond", two(hub, dynamic(512)), hub(), WRONG, ("in 2,048 tokens",)),
    StackPair(
        "ignored beyond by tokens",
        two(hub, dynamic(512)),
        port(),
        WRONG,
        ("in 2,048 tokens",),
    ),
    StackPair(
        "for all lengths",
        two(hub, dynamic(512)),
        two(port, dynamic(512)),
        WRONG,
        ("position",),
    ),
    StackPair(
        "not run",
        two(hub, dynamic(512)),
        port(),
        OPEN,
        ("not run there", "in 50,000 tokens"),
        lengths=(512, 50000),
    ),
    StackPair("past its table", hub(), port(), OPEN, ("3000 tokens raise",), lengths=(512, 3000)),
    StackPair(
        "direction",
        hub(),
        lambda: Backward([plain()] * 2),
        WRONG,
        ("forwards against backwards",),
    ),
    StackPair("amplitude", hub(), lambda: Louder([plain()] * 2), OPEN, ("times 1 against 1.2",)),
    StackPair("at zero", hub(), one_at_zero, OPEN, ("was not seen to turn",)),
    StackPair("still layer", hub(), one_still, WRONG, ("does not turn",)),
    StackPair(
        "exchanged types",
        hub(LOCAL, GLOBAL, **TYPED),
        hub(GLOBAL, LOCAL, **TYPED),
        WRONG,
        ("sliding_attention layers of B turn as", "full_attention layers of B turn as"),
    ),
    StackPair(
        "exchanged layers",
        hub(LOCAL, GLOBAL, **TYPED),
        port(GLOBAL, LOCAL),
        WRONG,
        ("full_attention layers of B",),
    ),
    StackPair(
        "one type for all",
        hub(LOCAL, GLOBAL, **TYPED),
        port(LOCAL, LOCAL),
        WRONG,
        ("theta=1000000.0",),
    ),
    StackPair(
        "other counts",
        hub(LOCAL, GLOBAL, **TYPED),
        port(LOCAL, GLOBAL, LOCAL),
        OPEN,
        ("which layers belong together",),
    ),
]


def exchanged() -> nn.Module:
    return Hub((GLOBAL, LOCAL), TWO_TYPES)


def right_types() -> nn.Module:
    return Hub((LOCAL, GLOBAL), TWO_TYPES)


def meta_port() -> nn.Module:
    return Meta([plain(), plain()])
