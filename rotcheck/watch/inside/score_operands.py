"""Which variables of a function are the q and k of scores? Found by their values: their product is
what the softmax gets, times one factor."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from rotcheck.watch.inside.tensor_parts import looks_wide
from rotcheck.witness.score_scale import score_scale

MOST = 6  # variables that may be q, and that may be k


def score_operands(scores: Tensor, variables: Mapping[str, Any]) -> tuple[Tensor, Tensor] | None:
    """q and k (..., S, D) of scores (..., S, T); None: no two variables have that product, or
    several have, as where all tokens are nearly alike.

    Args:
        scores: scaled and masked, or not.
        variables: of the function that has the softmax.
    """
    if not looks_wide(scores) or scores.dim() < 3:
        return None
    rows, keys = scores.shape[-2:]
    tensors = [x for x in variables.values() if looks_wide(x) and x.dim() == scores.dim()]
    views = [view for x in tensors for view in _views(x)]
    queries = [x for x in views if x.shape[-2] == rows][:MOST]
    first = _first_head(scores)
    pairs = {
        (q.data_ptr(), k.data_ptr()): (q, k)
        for k in [x for x in views if x.shape[-2] == keys][:MOST]
        for q in queries
        if score_scale(first, _first_head(q), _first_head(k)) is not None
    }
    return next(iter(pairs.values())) if len(pairs) == 1 else None


def _views(x: Tensor) -> Iterator[Tensor]:
    """Yield a tensor as it is, a k that lies ready for a product, and heads behind the tokens."""
    yield x
    yield x.mT
    if x.dim() == 4:
        yield x.transpose(1, 2)


def _first_head(x: Tensor) -> Tensor:
    """(1, ..., S, D) of the first head of the first sequence."""
    return x[(slice(0, 1),) * (x.dim() - 2)]
