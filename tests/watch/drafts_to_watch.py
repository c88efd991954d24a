"""Greedy speculative decoding: a draft is verified in one call, the cache cut to what was right.

MODE: "right"; "late", drafts are verified one position late; "kept", a rejected draft stays in the
cache; "chunks", a prompt in small parts, and no drafts.
"""

import copy
import sys

import torch
from torch import Tensor, nn

WORDS, H, D, DRAFT = 97, 2, 32, 4
MODE = sys.argv[1]


def turn(x: Tensor, positions: Tensor) -> Tensor:
    frequencies = 1 / 10000 ** (torch.arange(0, D, 2) / D)
    angles = positions[:, None, None] * frequencies  # (S, 1, P)
    a, b = x.chunk(2, -1)
    return torch.cat((a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()), -1)


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qk = nn.Linear(H * D, 2 * H * D)

    def forward(self, x: Tensor, positions: Tensor, cache: list[Tensor]) -> Tensor:
        q, k = self.qk(x).unflatten(-1, (2, H, D)).unbind(2)  # (B, S, H, D) each
        q, k = turn(q, positions), turn(k, positions)
        keys = torch.cat([*cache, k], 1)
        cache[:] = [keys]
        y = nn.functional.scaled_dot_product_attention(
            *(z.transpose(1, 2) for z in (q, keys, keys))
        )
        return x + y.transpose(1, 2).flatten(2)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(WORDS, H * D), nn.Linear(H * D, WORDS)
        self.layers = nn.ModuleList((Layer(), Layer()))

    def forward(self, tokens: Tensor, caches: list[list[Tensor]], late: int = 0) -> Tensor:
        past = caches[0][0].shape[1] if caches[0] else 0
        positions = torch.arange(past + late, past + late + tokens.shape[1])
        x = self.embed(tokens)
        for layer, cache in zip(self.layers, caches):
            x = layer(x, positions, cache)
        return self.head(x)


def draft(round_: int, truth: list[int]) -> list[int]:
    """Some tokens right, then a wrong one."""
    return [*truth[: round_ % 3], (truth[round_ % 3] + 1) % WORDS, 5, 7][: DRAFT - 1]


@torch.no_grad()
def main() -> None:
    torch.manual_seed(0)
    model = Model()
    oracle = copy.deepcopy(model)  # a model of its own, which drafts
    caches: list[list[Tensor]] = [[], []]
    tokens = torch.randint(WORDS, (10,)).tolist()
    following = int(model(torch.tensor([tokens]), caches)[0, -1].argmax())
    if MODE == "chunks":
        for chunk in torch.randint(WORDS, (12, 5)):
            model(chunk[None], caches)
        return
    for round_ in range(6):
        length = caches[0][0].shape[1]
        probe = [[cache[0]] for cache in caches]  # what the model would say itself
        truth, at = [], following
        for _ in range(DRAFT):
            at = int(oracle(torch.tensor([[at]]), probe)[0, -1].argmax())
            truth.append(at)
        block = [following, *draft(round_, truth)]
        late = int(MODE == "late")
        guesses = model(torch.tensor([block]), caches, late)[0].argmax(-1).tolist()
        pairs = zip(guesses, block[1:])
        count = next((n for n, (guess, token) in enumerate(pairs) if guess != token), DRAFT - 1)
        following = guesses[count]
        if MODE != "kept":
            for cache in caches:
                cache[0] = cache[0][:, : length + count + 1]


main()
