"""What enters the attention in a program, held against what was turned before it."""

import sys
from pathlib import Path
from types import FrameType

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from watching import Seen, rows_of_class, watched

from rotcheck.results import WatchRow
from rotcheck.watch.inside.call_expression import tensors_of_call

MODEL = Path(__file__).parent / "attention_to_watch.py"
FUSED = functional.scaled_dot_product_attention


@pytest.fixture(scope="module")
def seen() -> Seen:
    return watched(MODEL.parent, sys.executable, MODEL.name)


def _rows(seen: Seen, layer: str) -> list[WatchRow]:
    """The rows of what enters the attention of a kind of layers."""
    rows = rows_of_class(seen, MODEL, layer)
    assert all(row.function == FUSED.__name__ for row in rows)
    return rows


@pytest.mark.parametrize(
    ("layer", "finding", "failure", "words"),
    [
        ("Twice", "rotated-twice", "N10", "a k that was turned by two calls in a row"),
        ("Dropped", "copy-dropped", "R180", "k as it was before the rotation, and q turned"),
        ("Along", "v-rotated", "N10", "a v that was turned like q and k"),
    ],
)
def test_what_enters_the_attention_wrongly_is_told(
    seen: Seen, layer: str, finding: str, failure: str, words: str
) -> None:
    (row,) = _rows(seen, layer)
    assert (row.verdict, row.finding, row.failure) == ("disagrees", finding, failure)
    assert words in (row.message or "")


def test_what_may_be_used_elsewhere_is_not_called_wrong(seen: Seen) -> None:
    (row,) = _rows(seen, "Lost")
    assert (row.verdict, row.finding) == ("unidentified", None)
    assert "used elsewhere" in (row.message or "")


@pytest.mark.parametrize("layer", ["Grouped", "Cached"])
def test_heads_that_are_repeated_and_rows_of_a_cache_are_right(seen: Seen, layer: str) -> None:
    (row,) = _rows(seen, layer)
    assert (row.verdict, row.does) == ("agrees", "q and k turned once, v not turned")
    assert row.owners == (str(("Grouped", "Cached").index(layer) * 2 + 5),)


@pytest.mark.parametrize("layer", ["Unpacked", "Compiled"])
def test_what_is_not_traced_has_no_row(seen: Seen, layer: str) -> None:
    assert _rows(seen, layer) == []


def test_a_layer_that_is_compiled_stays_one_graph(seen: Seen) -> None:
    assert (seen.code, seen.out.decode()) == (0, "{'total': 1, 'ok': 1} {}\n")


def test_the_arguments_of_a_call_are_those_that_its_expression_names() -> None:
    asked: list[tuple[Tensor, ...] | None] = []

    def hear(frame: FrameType, event: str, function: object) -> None:
        if event == "c_call" and function is FUSED:
            asked.append(tensors_of_call(frame, FUSED, ("query", "key", "value")))

    q, k, v = torch.randn(3, 1, 2, 4, 8)  # (B, H, S, D) each
    attend = FUSED
    sys.setprofile(hear)
    FUSED(q, k.transpose(1, 2).transpose(1, 2), value=v)
    attend(  # under another name
        q, key=k, value=v
    )
    FUSED(q, k + 1, v)
    FUSED(*(q, k), v)
    FUSED(q, *(k, v))
    sys.setprofile(None)
    first, second, *others = asked
    assert first is not None
    assert second is not None
    assert [x is y for x, y in zip((*first, *second), (q, k, v) * 2)] == [True] * 6
    assert others == [None] * 3
