"""A configuration that declares which pair turns with which axis, and models that do it, or not."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from planted.grid_models import COLUMNS, ROWS, ImageAttention, ImageModel, image
from planted.shell import WIDTH, D, Decoder, H, PlantedModel, attend, inverse_frequencies

P = D // 2
SIZES: dict[str, Any] = {"num_attention_heads": H, "hidden_size": WIDTH, "rope_theta": 10000.0}
TEXT = SIZES | {"head_dim": D, "max_position_embeddings": 4096}
BLOCKS = TEXT | {
    "model_type": "qwen2_vl",
    "rope_scaling": {"rope_type": "default", "mrope_section": [2, 3, 3]},
}
DEALT = TEXT | {
    "model_type": "qwen3_vl_text",
    "rope_scaling": {
        "rope_type": "default",
        "mrope_section": [4, 2, 2],
        "mrope_interleaved": True,
    },
}
ERNIE = TEXT | {
    "model_type": "ernie4_5_vl_moe_text",
    "rope_scaling": {"rope_type": "default", "mrope_section": [3, 3, 2]},
}
TOWER = SIZES | {"model_type": "mlcd_vision_model", "rope_theta": 100.0}
PIXTRAL = TOWER | {"model_type": "pixtral"}
FILM = {
    "_class_name": "QwenImageTransformer2DModel",
    "axes_dims_rope": [4, 6, 6],
    "attention_head_dim": D,
}
FRACTIONS = TOWER | {"model_type": "dinov3_vit"}


class AxisAttention(nn.Module):
    """One layer, each of whose pairs turns by one of three positions of a token."""

    def __init__(self, axes: Sequence[int], frequencies: Tensor | None = None) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.axes = list(axes)
        self.frequencies = inverse_frequencies() if frequencies is None else frequencies

    def rotate(self, x: Tensor, position_ids: Tensor) -> Tensor:
        if position_ids.dim() == 2:
            position_ids = position_ids.expand(3, -1, -1)
        angles = position_ids[self.axes].movedim(0, -1) * self.frequencies  # (B, S, P)
        cos, sin = angles.cos()[:, None], angles.sin()[:, None]
        a, b = x.chunk(2, -1)
        y: Tensor = torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
        return y

    def forward(self, x: Tensor, position_ids: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        return self.out(attend(self.rotate(q, position_ids), self.rotate(k, position_ids), v))


class TowerAttention(ImageAttention):
    """One layer whose pairs have these angles, (ROWS * COLUMNS, P)."""

    def __init__(self, angles: Tensor) -> None:
        super().__init__()
        self.angles = self.angles_of_k = angles


def _text(axes: Sequence[int], **options: Any) -> Callable[[], nn.Module]:
    return lambda: Decoder([AxisAttention(axes, **options)])


def _tower(
    height: Tensor, width: Tensor, dealt: bool = False, fractions: bool = False
) -> Callable[[], nn.Module]:
    """Pairs that turn by row and column at these frequencies, (P / 2,) each."""
    y, x = torch.meshgrid(torch.arange(ROWS), torch.arange(COLUMNS), indexing="ij")
    sides = [side.reshape(-1, 1).double() for side in (y, x)]
    if fractions:
        counts = (ROWS, COLUMNS)
        sides = [
            2 * torch.pi * ((side + 0.5) / n * 2 - 1) for side, n in zip(sides, counts, strict=True)
        ]
    parts = [side * row.double() for side, row in zip(sides, (height, width), strict=True)]
    angles = torch.stack(parts, -1).flatten(-2) if dealt else torch.cat(parts, -1)
    return lambda: ImageModel([TowerAttention(angles.float())])


def _exchanged() -> Callable[[], nn.Module]:
    """The pairs of height turn by the column, those of width by the row."""
    y, x = torch.meshgrid(torch.arange(ROWS), torch.arange(COLUMNS), indexing="ij")
    angles = torch.cat([side.reshape(-1, 1) * ROW for side in (x, y)], -1)
    return lambda: ImageModel([TowerAttention(angles)])


def _by_column() -> Callable[[], nn.Module]:
    """All pairs turn by the column."""
    angles = (torch.arange(ROWS * COLUMNS) % COLUMNS)[:, None] * torch.cat((ROW, ROW))
    return lambda: ImageModel([TowerAttention(angles)])


def _film(theta: float, turns: str) -> Callable[[], nn.Module]:
    """A single image in a film: two pairs of time stand still, three of each side turn."""
    y, x = torch.meshgrid(torch.arange(ROWS), torch.arange(COLUMNS), indexing="ij")
    row = inverse_frequencies(6, theta)  # (3,)
    sides = [side.reshape(-1, 1) * row * (name in turns) for name, side in (("h", y), ("w", x))]
    angles = torch.cat([torch.zeros(ROWS * COLUMNS, 2), *sides], -1)
    return lambda: ImageModel([TowerAttention(angles)])


def _of_text(
    name: str, axes: Sequence[int], config: dict[str, Any], words: str = "", **options: Any
) -> PlantedModel:
    finding = "config" if words else ""
    return PlantedModel(f"axes-{name}", _text(axes, **options), finding, words, config=config)


def _of_tower(
    name: str, build: Callable[[], nn.Module], words: str = "", config: dict[str, Any] = TOWER
) -> PlantedModel:
    return PlantedModel(f"tower-{name}", build, "config" if words else "", words, image, config)


FAST, SLOW = inverse_frequencies(P), inverse_frequencies(theta=100000.0)
ROW, SHARED = inverse_frequencies(P, 100.0), inverse_frequencies(D, 100.0)
IN_BLOCKS, IN_TURN = (0, 0, 1, 1, 1, 2, 2, 2), (0, 1, 2, 0, 1, 2, 0, 0)

MODELS = [
    _of_text("blocks", IN_BLOCKS, BLOCKS),
    _of_text("dealt", IN_TURN, DEALT),
    _of_text("height-and-width-in-turn", (1, 2, 1, 2, 1, 2, 0, 0), ERNIE),
    _of_text("exchanged", (0, 0, 2, 2, 2, 1, 1, 1), BLOCKS, "and the axes are exchanged: time, width, height"),
    _of_text("order", (0, 0, 0, 1, 1, 1, 2, 2), BLOCKS, "it is taken in the order (3, 3, 2)"),
    _of_text("ignored", (0,) * 8, BLOCKS, "rope_scaling.mrope_section is ignored: all pairs turn with time"),
    _of_text("doubled", (0, 0, 0, 0, 1, 1, 1, 1), BLOCKS, "it is doubled: lanes are counted for pairs"),
    _of_text("blocks-dealt", (0, 1, 2, 0, 1, 2, 0, 1), BLOCKS, "pair 1 turns with height, where time is declared"),
    _of_text("dealt-in-blocks", (0, 0, 0, 0, 1, 1, 2, 2), DEALT, "taken one after another, where they are interleaved"),
    _of_text("theta", IN_BLOCKS, BLOCKS, "10 times what rope_theta declares", frequencies=SLOW),
    _of_tower("axial", _tower(ROW, ROW)),
    _of_tower("shared", _tower(SHARED[::2], SHARED[1::2]), config=PIXTRAL),
    _of_tower("fractions", _tower(ROW, ROW, fractions=True), config=FRACTIONS),
    _of_tower("swapped", _exchanged(), "the axes are exchanged: width, height"),
    _of_tower("dealt", _tower(ROW, ROW, dealt=True), "the axes are dealt to the pairs in turn"),
    _of_tower("by-column", _by_column(), "the definition is ignored: all pairs turn with width"),
    _of_tower("other-theta", _tower(FAST, FAST), "rope_theta is ignored: it is 10,000"),
    _of_tower("theta-of-height", _tower(FAST, ROW), "the pairs of height turn by theta 10,000, where 100"),
    _of_tower("own-rows", _tower(ROW, ROW), "parts by 0.01 rad", PIXTRAL),
    _of_tower("time-still", _film(10000.0, "hw"), config=FILM),
    _of_tower("time-still-theta", _film(100.0, "hw"), "parts by 0.01 rad", FILM),
    _of_tower("time-still-width", _film(10000.0, "h"), "parts by 0.01 rad", FILM),
    _of_tower("whole-places", _tower(ROW, ROW), "parts by 0.01 rad", FRACTIONS),
]  # fmt: skip
