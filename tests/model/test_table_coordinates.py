"""Tables of coordinates that a maker is handed: seconds and pixels, however often angles come
around; and tables that shorten what they turn."""

import math

import pytest
import torch
from torch import Tensor, nn

from rotcheck.model import worker
from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation
from rotcheck.results.model import ModelRow

B, H, D, FRAMES, ROWS, COLUMNS = 2, 3, 24, 4, 3, 5
N = FRAMES * ROWS * COLUMNS


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.unflatten(-1, (-1, 2)).unbind(-1)
    return x * cos + torch.stack((-second, first), -1).flatten(-2) * sin


def _patches() -> Tensor:
    """The edges of each patch, (3, N, 2): the first frame is shorter than the others."""
    times = torch.tensor([0.0, 0.04, 0.36, 0.68])
    places = torch.cartesian_prod(times, torch.arange(ROWS) * 32.0, torch.arange(COLUMNS) * 32.0)
    sizes = torch.tensor([0.32, 32.0, 32.0])
    sizes = torch.where(places[:, :1] == 0, torch.tensor([0.04, 32.0, 32.0]), sizes)
    return torch.stack((places, places + sizes), -1).transpose(0, 1)


class Film(nn.Module):
    """q and k turn by up to some thousand radians a place; `mistake`: of the tables."""

    def __init__(self, mistake: str = "") -> None:
        super().__init__()
        self.qkv = nn.Linear(D, 3 * D)
        self.mistake = mistake

    def tables(self, coordinates: Tensor) -> tuple[Tensor, Tensor]:
        places = coordinates.mean(-1) / torch.tensor([20.0, 2048.0, 2048.0])[:, None]  # (3, N)
        if self.mistake == "rounded":
            places = places.bfloat16().float()
        if self.mistake == "sum":
            places[1] += places[2]
        if self.mistake == "square":
            places = places.square()
        frequencies = 10000.0 ** torch.linspace(0, 1, D // 6) * math.pi / 2
        angles = (2 * places[..., None] - 1) * frequencies  # (3, N, F)
        angles = angles.permute(1, 2, 0).flatten(1).repeat_interleave(2, -1)  # (N, D)
        return angles.cos(), angles.sin()

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y[:, None] for y in self.qkv(x).chunk(3, -1))
        cos, sin = self.tables(_patches())
        q, k = turn(q, cos, sin), turn(k, cos, sin)
        return nn.functional.scaled_dot_product_attention(q, k, v)


def _rows(model: nn.Module) -> dict[str, ModelRow]:
    torch.manual_seed(3)
    forward = run_forward(model, {"x": torch.randn(B, N, D)})
    return {row.kind: row for row in ModelObservation(forward, None).rows("cpu")}


def test_coordinates_that_are_handed_in_explain_tables_and_what_they_turn() -> None:
    rows = _rows(Film())
    assert {row.verdict for row in rows.values()} == {"agrees"}
    assert rows["tables"].angles == "by the 3 coordinates that it is handed, 8, 8, 8 lanes"
    assert rows["rotation"].angles == "those of its tables"


@pytest.mark.parametrize("mistake", ["rounded", "sum", "square"])
def test_angles_that_do_not_follow_one_coordinate_are_not_understood(mistake: str) -> None:
    rows = _rows(Film(mistake))
    assert (rows["tables"].verdict, rows["rotation"].verdict) == ("unidentified",) * 2


class History(nn.Module):
    """Turns by the mean of cos and sin of two neighbours, which makes pairs shorter; or of none."""

    def __init__(self, means: bool = True) -> None:
        super().__init__()
        self.qkv, self.means = nn.Linear(D, 3 * D), means

    def tables(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        angles = positions[:, None] * 10000.0 ** (-torch.arange(0, D, 2) / D)
        return angles.repeat_interleave(2, -1).cos(), angles.repeat_interleave(2, -1).sin()

    def apply_rotary_emb(self, x: Tensor, tables: tuple[Tensor, Tensor]) -> Tensor:
        first, second = x.unflatten(-1, (-1, 2)).unbind(-1)
        return x * tables[0] + torch.stack((-second, first), -1).flatten(-2) * tables[1]

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y[:, None] for y in self.qkv(x).chunk(3, -1))
        cos, sin = self.tables(torch.arange(2 * x.shape[1]))
        pairs = [y.unflatten(0, (-1, 2)) for y in (cos, sin)]
        tables = [y.mean(1) if self.means else y[:, 0] for y in pairs]
        q, k = (self.apply_rotary_emb(y, (tables[0], tables[1])) for y in (q, k))
        return nn.functional.scaled_dot_product_attention(q, k, v)


def shorter() -> tuple[nn.Module, dict[str, Tensor]]:
    return History(), {"x": torch.randn(B, 12, D)}


def as_long() -> tuple[nn.Module, dict[str, Tensor]]:
    return History(means=False), {"x": torch.randn(B, 12, D)}


@pytest.mark.parametrize("name", ["shorter", "as_long"])
def test_a_rotary_function_that_turns_nothing_known_is_named_beside_its_tables(name: str) -> None:
    rows = worker.ModelAtWork(f"{__file__}:{name}", "cpu", "float32").rows()["rows"]
    words = [row["message"] for row in rows if row["verdict"] == "unidentified"]
    assert words == [
        "History.apply_rotary_emb ran, and kept the lengths of no pairs that rotcheck knows"
    ] * (name == "shorter")
