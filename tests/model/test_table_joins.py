"""Tables of an image and of a text, one behind the other; rows of padding; attentions beside."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation
from rotcheck.results.model import ModelRow
from rotcheck.rotary import inverse_frequencies

B, H, D, ROWS, COLUMNS, WORDS = 2, 3, 16, 4, 5, 7
Join = Callable[[Tensor, Tensor], Tensor]


def turn(x: Tensor, table: Tensor) -> Tensor:
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))  # (B, H, S, P)
    return torch.view_as_real(pairs * table).flatten(-2)


def _table(places: Tensor, theta: float = 10000.0) -> Tensor:
    frequencies = inverse_frequencies(D // 2, theta)
    angles = (places[..., None] * frequencies).flatten(-2).float()  # (S, P)
    return torch.polar(torch.ones_like(angles), angles)


class Joint(nn.Module):
    """An image and its text, each with tables of its own."""

    def __init__(self, join: Join, zeros: int = 0) -> None:
        super().__init__()
        self.qkv = nn.Linear(D, 3 * H * D)
        self.join, self.zeros = join, zeros

    def image(self) -> Tensor:
        return _table(torch.cartesian_prod(torch.arange(ROWS), torch.arange(COLUMNS)))

    def text(self) -> Tensor:
        return _table(torch.arange(WORDS)[:, None].repeat(1, 2), 300.0)

    def heads(self, x: Tensor) -> Tensor:
        y: Tensor = self.qkv(x).unflatten(-1, (3, H, D)).permute(2, 0, 3, 1, 4)
        return y  # (3, B, H, S, D)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.heads(x).unbind(0)
        table = self.join(self.image(), self.text())
        q, k = turn(q, table), turn(k, table)
        return nn.functional.scaled_dot_product_attention(q, k, v)


def _behind(image: Tensor, text: Tensor) -> Tensor:
    return torch.cat((text, image))


def _shifted(image: Tensor, text: Tensor) -> Tensor:
    return torch.cat((text, image)).roll(3, 0)


def _exchanged(image: Tensor, text: Tensor) -> Tensor:
    rows = torch.cat((text, image))
    return rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(1))]


def _rows(model: nn.Module, **inputs: Tensor) -> list[ModelRow]:
    forward = run_forward(model, inputs)
    return list(ModelObservation(forward, None).rows("cpu"))


def _verdicts(rows: list[ModelRow], kind: str) -> list[str]:
    return [row.verdict for row in rows if row.kind == kind]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(3)


def test_tables_one_behind_the_other_are_understood() -> None:
    rows = _rows(Joint(_behind), x=torch.randn(B, WORDS + ROWS * COLUMNS, D))
    assert {row.verdict for row in rows} == {"agrees"}
    (row,) = (row for row in rows if row.kind == "rotation")
    assert row.angles == "those of its tables"


@pytest.mark.parametrize("join", [_shifted, _exchanged])
def test_rows_of_tables_in_another_order_are_not(join: Join) -> None:
    rows = _rows(Joint(join), x=torch.randn(B, WORDS + ROWS * COLUMNS, D))
    assert _verdicts(rows, "rotation") == ["unidentified"]


class Padding(nn.Module):
    """A text with padding, whose q and k are zeros; `late`: the rest counts from another place."""

    def __init__(self, late: bool = False) -> None:
        super().__init__()
        self.late = late
        self.qk = nn.Linear(D, 2 * H * D, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        q, k = self.qk(x).unflatten(-1, (2, H, D)).permute(2, 0, 3, 1, 4).unbind(0)  # (B, H, S, D)
        places = torch.arange(1, x.shape[1] + 1)
        if self.late:
            places = places + 40 * (places > 4)
        angles = (places[:, None] * inverse_frequencies(D)).float()
        table = torch.polar(torch.ones_like(angles), angles)
        return nn.functional.scaled_dot_product_attention(turn(q, table), turn(k, table), q)


@pytest.mark.parametrize("late", [False, True])
def test_rows_of_zeros_show_no_angle_and_the_others_are_judged(late: bool) -> None:
    x = torch.randn(B, 20, D)
    x[:, 9:] = 0
    rows = _rows(Padding(late), x=x)
    (row,) = (row for row in rows if row.kind == "rotation")
    assert (row.verdict == "agrees") != late
    assert late or "from position 1" in row.angles


class Beside(nn.Module):
    """A linear attention, of positive features; then one that looks at a text, or at the same
    tokens (`whole`)."""

    def __init__(self, whole: bool = False) -> None:
        super().__init__()
        self.qkv, self.text = nn.Linear(D, 3 * D), nn.Linear(D, 2 * D)
        self.whole = whole

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        q, k, v = (y[:, None] for y in self.qkv(x).chunk(3, -1))
        angles = (torch.arange(x.shape[1])[:, None] * inverse_frequencies(D)).float()
        table = torch.polar(torch.ones_like(angles), angles)
        q, k = (turn(y.relu(), table) for y in (q, k))
        x = (q @ (k.mT @ v))[:, 0]
        k, v = self.text(x if self.whole else words).chunk(2, -1)
        return nn.functional.scaled_dot_product_attention(x[:, None], k[:, None], v[:, None])


@pytest.mark.parametrize("whole", [False, True])
def test_an_attention_to_a_text_has_no_row_and_one_to_the_same_tokens_has(whole: bool) -> None:
    x, words = torch.randn(8, 20, D), torch.randn(8, WORDS, D)
    rows = _rows(Beside(whole), x=x, words=words)
    assert _verdicts(rows, "attention") == (["unidentified"] if whole else [])
    assert _verdicts(rows, "rotation") == ["agrees"]


class BlockMask(nn.Module):
    """A softmax over the means of blocks says which of them are looked at."""

    def __init__(self, turns: bool = True) -> None:
        super().__init__()
        self.qkv, self.turns = nn.Linear(D, 3 * D), turns

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y[:, None] for y in self.qkv(x).chunk(3, -1))
        angles = (torch.arange(x.shape[1])[:, None] * inverse_frequencies(D)).float()
        table = torch.polar(torch.ones_like(angles), angles)
        first, q, k = q, turn(q, table), turn(k, table)
        means = (y.unflatten(2, (-1, 4)).mean(3) for y in (q, k))
        scores = next(means) @ next(means).mT
        mask = (scores.softmax(-1) > 0.01).repeat_interleave(4, -1).repeat_interleave(4, -2)
        return nn.functional.scaled_dot_product_attention(q if self.turns else first, k, v, mask)


def test_a_softmax_that_makes_a_mask_is_no_attention_and_the_one_behind_it_is_judged() -> None:
    x = torch.randn(B, 20, D)
    (row,) = (row for row in _rows(BlockMask(), x=x) if row.kind == "attention")
    assert (row.verdict, row.function) == ("agrees", "scaled_dot_product_attention")
    findings = [row.finding for row in _rows(BlockMask(turns=False), x=x)]
    assert "copy-dropped" in findings
