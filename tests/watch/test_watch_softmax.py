"""What enters an attention that a program writes out itself, held against what was turned."""

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor
from watching import Seen, rows_of_class, watched

from rotcheck.results import WatchRow
from rotcheck.watch.inside.graph_attention import graph_attention, next_node_number
from rotcheck.watch.inside.score_operands import score_operands

MODEL = Path(__file__).parent / "softmax_to_watch.py"


@pytest.fixture(scope="module")
def seen() -> Seen:
    return watched(MODEL.parent, sys.executable, MODEL.name)


def _rows(seen: Seen, layer: str) -> list[WatchRow]:
    """The rows of what enters the attention of a kind of layers."""
    rows = rows_of_class(seen, MODEL, layer)
    assert all(row.function == "softmax" for row in rows)
    return rows


@pytest.mark.parametrize(
    ("layer", "finding", "words"),
    [
        ("Twice", "rotated-twice", "a q that was turned by two calls in a row"),
        ("Dropped", "copy-dropped", "k as it was before the rotation, and q turned"),
        ("Along", "v-rotated", "a v that was turned like q and k"),
        ("Packed", "copy-dropped", "k as it was before the rotation, and q turned"),
    ],
)
def test_what_enters_a_softmax_wrongly_is_told(
    seen: Seen, layer: str, finding: str, words: str
) -> None:
    (row,) = _rows(seen, layer)
    assert (row.verdict, row.finding) == ("disagrees", finding)
    assert words in (row.message or "")


@pytest.mark.parametrize("layer", ["Right", "Both", "Grouped"])
def test_a_softmax_over_what_was_turned_once_is_right(seen: Seen, layer: str) -> None:
    (row,) = _rows(seen, layer)
    assert (row.verdict, row.does) == ("agrees", "q and k turned once, v not turned")


def test_without_a_graph_q_and_k_are_seen_and_v_is_not(seen: Seen) -> None:
    (row,) = _rows(seen, "Quiet")
    assert (row.verdict, row.does) == ("agrees", "q and k turned once")


def test_nothing_is_unpacked_that_a_hook_has_packed(seen: Seen) -> None:
    assert (seen.code, seen.out) == (0, b"0 [True, True, True, True]\n")


def _tensors() -> tuple[Tensor, Tensor, Tensor]:
    q, k, v = torch.randn(3, 2, 5, 4, requires_grad=True).unbind()  # (B, S, D) each
    return q, k, v


def test_operands_are_those_of_the_softmax_that_is_meant() -> None:
    q, k, v = _tensors()
    first = torch.softmax(q @ v.mT, -1) @ k
    scores = q @ k.mT
    number = next_node_number()
    attention = graph_attention([torch.softmax(scores, -1) @ v + first], number)
    assert attention is not None
    assert attention.v is not None
    assert [torch.equal(*pair) for pair in zip(attention, (q, k, v))] == [True] * 3


def test_what_a_hook_has_packed_is_left_alone() -> None:
    q, k, v = _tensors()
    packs: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: x, packs.append):
        scores = q @ k.mT
        number = next_node_number()
        result = torch.softmax(scores, -1) @ v
    assert graph_attention([result], number) is None
    assert packs == []


def test_two_products_and_what_was_written_into_tell_nothing() -> None:
    q, k, v = _tensors()
    scores, turned = q @ k.mT + q @ v.mT, q * 2
    number = next_node_number()
    assert graph_attention([torch.softmax(scores, -1) @ v], number) is None
    scores = turned @ k.mT
    number = next_node_number()
    weights = torch.softmax(scores, -1)
    assert graph_attention([weights], number) is not None
    turned.add_(1)
    assert graph_attention([weights @ v], number) is None


def test_variables_are_q_and_k_where_their_product_is_the_scores() -> None:
    q, k, v = torch.randn(3, 2, 4, 9, 8).unbind()  # (B, H, S, D) each
    variables = {"q": q.transpose(1, 2), "keys": k.mT, "v": v, "self": None}
    pair = score_operands((q @ k.mT / 3).masked_fill(torch.ones(9, 9).triu(1) > 0, -1e9), variables)
    assert pair is not None
    assert [torch.equal(*each) for each in zip(pair, (q, k))] == [True] * 2
    assert score_operands(q @ k.mT + torch.randn(9, 9), variables) is None
    assert (
        score_operands(q[:, :, :1].expand(q.shape) @ k[:, :, :1].expand(q.shape).mT, variables)
        is None
    )
