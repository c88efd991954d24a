"""Images: rows and columns; and three coordinates of each token."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from planted.shell import WIDTH, D, Decoder, H, PlantedModel, S, attend, inverse_frequencies, tokens

ROWS, COLUMNS = 4, 5


def image() -> dict[str, Any]:
    """One image of ROWS x COLUMNS patches of 4 x 4."""
    generator = torch.Generator().manual_seed(3)
    return {"pixel_values": torch.randn(2, 3, 4 * ROWS, 4 * COLUMNS, generator=generator)}


def axial_angles(exchanged: bool = False) -> Tensor:
    """Half of the pairs turn by the row, half by the column, (ROWS * COLUMNS, D / 2)."""
    frequencies = inverse_frequencies(D // 2, 100.0)
    y, x = torch.meshgrid(torch.arange(ROWS), torch.arange(COLUMNS), indexing="ij")
    sides = (x, y) if exchanged else (y, x)
    return torch.cat([side.reshape(-1, 1) * frequencies for side in sides], -1)


def turn(x: Tensor, angles: Tensor) -> Tensor:
    """(B, H, S, D)."""
    a, b = x[..., ::2], x[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)


def turn_patches(x: Tensor, angles: Tensor) -> Tensor:
    """The class token stays as it is."""
    return torch.cat((x[:, :, :1], turn(x[:, :, 1:], angles)), 2)


class ImageAttention(nn.Module):
    """One layer. `of_k`: the angles of k are those of rows and columns exchanged."""

    def __init__(self, exchanged: bool = False, turns: str = "qk", lost: str = "") -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.register_buffer("angles", axial_angles(), persistent=False)
        self.register_buffer("angles_of_k", axial_angles(exchanged), persistent=False)
        self.turns, self.lost = turns, lost

    def turn_one(self, x: Tensor, angles: Tensor) -> Tensor:
        return turn_patches(x, angles)

    def forward(self, x: Tensor) -> Tensor:
        heads = dict(zip("qkv", self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)))
        for name in self.turns:
            turned = self.turn_one(heads[name], self.angles_of_k if name == "k" else self.angles)
            heads[name] = heads[name] if name == self.lost else turned
        y = nn.functional.scaled_dot_product_attention(heads["q"], heads["k"], heads["v"])
        return self.out(y.transpose(1, 2).flatten(-2))


class ImageModel(nn.Module):
    """Patches of an image behind a class token."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 4, 4)
        self.first = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.layers = nn.ModuleList(layers)

    def forward(self, pixel_values: Tensor) -> Tensor:
        x = self.patches(pixel_values).flatten(2).transpose(1, 2)
        x = torch.cat((self.first.expand(len(x), -1, -1), x), 1)
        for layer in self.layers:
            x = x + layer(x)
        return x


def coordinates() -> dict[str, Any]:
    """Tokens of a text, an image of 3 x 4 within it, and a text: (3, B, S) coordinates."""
    t = torch.cat((torch.arange(4), torch.full((12,), 4), torch.arange(8, 12)))
    h = torch.cat((torch.arange(4), 4 + torch.arange(12) // 4, torch.arange(8, 12)))
    w = torch.cat((torch.arange(4), 4 + torch.arange(12) % 4, torch.arange(8, 12)))
    return tokens() | {"position_ids": torch.stack((t, h, w))[:, None].expand(3, 2, S)}


class SectionAttention(nn.Module):
    """Each pair turns by one of three coordinates, as in Qwen2-VL.

    Args:
        sections: of q, in pairs, for time, height and width.
        sections_of_k: those of k.
    """

    def __init__(
        self, sections: tuple[int, ...] = (2, 3, 3), sections_of_k: tuple[int, ...] = (2, 3, 3)
    ) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.sections, self.sections_of_k = sections, sections_of_k

    def tables(self, position_ids: Tensor, sections: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        angles = position_ids[..., None] * inverse_frequencies()  # (3, B, S, D / 2)
        parts = angles.split(sections, -1)
        angles = torch.cat([part[axis] for axis, part in enumerate(parts)], -1)[:, None]
        return angles.cos(), angles.sin()

    def rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        q = self.rotate(q, *self.tables(position_ids, self.sections))
        k = self.rotate(k, *self.tables(position_ids, self.sections_of_k))
        return self.out(attend(q, k, v))


def _image(**options: Any) -> Callable[[], nn.Module]:
    return lambda: ImageModel([ImageAttention(**options)])


def _sections(*arguments: tuple[int, ...]) -> Callable[[], nn.Module]:
    return lambda: Decoder([SectionAttention(*arguments)])


MODELS = [
    PlantedModel("image", _image(), inputs=image),
    PlantedModel("image-k-exchanged", _image(exchanged=True), "q-and-k-differ", "angles", image),
    PlantedModel("image-k-not", _image(turns="q"), "not-rotated", "k", image),
    PlantedModel("image-v-turned", _image(turns="qkv"), "v-rotated", "v", image),
    PlantedModel("image-k-lost", _image(lost="k"), "copy-dropped", "k as it was", image),
    PlantedModel("sections", _sections(), inputs=coordinates),
    PlantedModel("sections-k-exchanged", _sections((2, 3, 3), (3, 3, 2)), "q-and-k-differ", "angles", coordinates),
]  # fmt: skip
