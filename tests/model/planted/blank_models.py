"""Tokens of which the rotation leaves nothing: class tokens, and padding behind a mask."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from planted.grid_models import ImageAttention, ImageModel, image, turn
from planted.shell import WIDTH, B, D, Decoder, H, PlantedModel, S, inverse_frequencies

FIRST = torch.arange(S) < 1
FRONT = torch.arange(S) < torch.tensor([[3], [6]])  # (B, S)
HALF = torch.arange(S) < torch.tensor([[3], [5]])  # (B, S)
END = torch.arange(S) >= torch.tensor([[S - 5], [S - 2]])  # (B, S)


class BlankAttention(nn.Module):
    """Turns halves of heads by cos and sin, and blanks some tokens.

    Args:
        blank: those tokens, (S,) or (B, S).
        hides: those that a mask hides from all others, (S,) or (B, S), and from themselves, if they
            see anything else.
        of: whose rows are blanked.
        value: what is left of them.
        eager: whether the softmax is written out.
    """

    def __init__(
        self,
        blank: Tensor,
        hides: Tensor | None = None,
        of: str = "qk",
        value: float = 0.0,
        eager: bool = False,
    ) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.blank, self.of, self.value, self.eager = blank, of, value, eager
        sees = torch.ones(S, S, dtype=torch.bool).tril().expand(B, 1, S, S)
        if hides is not None:
            sees = sees & ~hides.expand(B, S)[:, None, None]
            sees = sees | ~sees.any(-1, keepdim=True)  # whoever sees nothing sees all
        self.sees = sees

    def rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        y = torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
        blank = self.blank.view(-1, 1, S, 1)
        return y.masked_fill(blank, self.value) if self.value else y

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        heads = dict(zip("qkv", self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)))
        angles = position_ids[..., None] * inverse_frequencies()  # (1, S, D / 2)
        cos, sin = angles.cos()[:, None], angles.sin()[:, None]
        for name in "qk":
            is_blank = name in self.of and not self.value
            keep = (~self.blank).float().view(-1, 1, S, 1) if is_blank else 1.0
            heads[name] = self.rotate(heads[name], cos * keep, sin * keep)
        q, k, v = heads.values()
        return self.out(self.attend(q, k, v).transpose(1, 2).flatten(-2))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if not self.eager:
            return nn.functional.scaled_dot_product_attention(q, k, v, self.sees)
        scores = q @ k.mT / D**0.5
        return scores.masked_fill(~self.sees, torch.finfo(scores.dtype).min).softmax(-1) @ v


class BlankClassAttention(ImageAttention):
    """Its table has zeros for the class token, as that of LlamaGen."""

    def __init__(self) -> None:
        super().__init__()
        angles = self.angles_of_k
        table = torch.stack((angles.cos(), angles.sin()), -1)  # (N, D / 2, 2)
        self.angles = self.angles_of_k = torch.cat((torch.zeros(1, D // 2, 2), table))

    def turn_one(self, x: Tensor, table: Tensor) -> Tensor:
        a, b, cos, sin = x[..., ::2], x[..., 1::2], table[..., 0], table[..., 1]
        return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)


class StillClassAttention(ImageAttention):
    """Its tables have cos 1 and sin 0 for the class token, as those of DINOv3."""

    def turn_one(self, x: Tensor, angles: Tensor) -> Tensor:
        return turn(x, torch.cat((torch.zeros(1, D // 2), angles)))


def _image(attention: type[ImageAttention]) -> Callable[[], nn.Module]:
    return lambda: ImageModel([attention()])


def _text(blank: Tensor, **options: Any) -> Callable[[], nn.Module]:
    return lambda: Decoder([BlankAttention(blank, **options)])


MODELS = [
    PlantedModel("blank-class", _image(BlankClassAttention), "blank-tokens", "zeros, since cos", image),
    PlantedModel("still-class", _image(StillClassAttention), inputs=image),
    PlantedModel("blank-first", _text(FIRST), "blank-tokens", "q and k of 1 of 20"),
    PlantedModel("blank-first-k", _text(FIRST, of="k"), "blank-tokens", "k of 1 of 20"),
    PlantedModel("blank-first-constant", _text(FIRST, value=1.0), "blank-tokens", "1 in each lane"),
    PlantedModel("blank-first-eager", _text(FIRST, eager=True), "blank-tokens", "q and k of 1"),
    PlantedModel("blank-seen-front", _text(FRONT), "blank-tokens", "q and k of 9 of 40"),
    PlantedModel("blank-front-half-hidden", _text(FRONT, hides=HALF), "blank-tokens", "9 of 40"),
    PlantedModel("blank-hidden-front", _text(FRONT, hides=FRONT)),
    PlantedModel("blank-hidden-front-eager", _text(FRONT, hides=FRONT, eager=True)),
    PlantedModel("blank-hidden-first", _text(FIRST, hides=FIRST)),
    PlantedModel("blank-hidden-end", _text(END, hides=END)),
]  # fmt: skip
