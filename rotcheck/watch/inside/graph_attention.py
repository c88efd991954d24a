"""What an attention was computed of that a program writes out: read off autograd's graph.

The softmax and its products are nodes of the graph that leads to what came of them, and a product
keeps its operands for the backward pass.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

MOST_NODES = 256  # of a graph that are looked at
MOST_STEPS = 5  # from the number of one node to that of the next: casts count too
SOFTMAX = "SoftmaxBackward0"
_OPERANDS = {
    "BmmBackward0": ("_saved_self", "_saved_mat2"),
    "MmBackward0": ("_saved_self", "_saved_mat2"),
    "BaddbmmBackward0": ("_saved_batch1", "_saved_batch2"),
}


class SoftmaxTensors(NamedTuple):
    """q and k, (..., S, D), as they entered the product under a softmax, and v, which the weights
    were multiplied with; None where that was not seen."""

    q: Tensor
    k: Tensor
    v: Tensor | None


def next_node_number() -> int:
    """The number that autograd gives the node that it makes next."""
    return torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]


def keeps_operands() -> bool:
    """Whether a graph is made that keeps the operands of products as they are."""
    top_hooks = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", None)
    has_none = top_hooks is not None and top_hooks(False) is None  # torch 2.4 does not say
    return torch.is_grad_enabled() and has_none


def graph_attention(results: Iterable[Tensor], number: int) -> SoftmaxTensors | None:
    """The attention that led to some results; None: nothing is known of it.

    Args:
        results: of a function that has the softmax, or calls one that does.
        number: of the next node when the softmax was about to be computed.
    """
    starts = [x.grad_fn for x in results if x.grad_fn is not None]
    softmax, product = _softmax_and_product(starts, range(number, number + MOST_STEPS))
    under = [] if softmax is None else list(_nearest_products(softmax.next_functions[0][0]))
    operands = _operands(under[0]) if len(under) == 1 else None
    if operands is None:
        return None
    q, k = operands[0], operands[1].mT
    weights, v = (product and _operands(product)) or (None, None)
    is_usual = weights is not None and weights.shape[-2:] == (q.shape[-2], k.shape[-2])
    return SoftmaxTensors(q, k, v if is_usual else None)


def _softmax_and_product(starts: Iterable[Any], numbers: range) -> tuple[Any, Any]:
    """The softmax whose node has one of several numbers, and the product that its weights enter;
    None for each that is not there."""
    queue = deque((node, None) for node in starts)
    nodes: set[tuple[Any, Any]] = set()
    softmax: Any = None
    while queue and len(nodes) < MOST_NODES:
        node, product = queue.popleft()
        if node._sequence_nr() < numbers.start or (node, product) in nodes:
            continue  # what was made before led to the softmax
        nodes.add((node, product))
        if node.name() == SOFTMAX and node._sequence_nr() in numbers:
            softmax = node
            if product is not None:
                return node, product
        product = node if node.name() in _OPERANDS else product
        queue.extend((parent, product) for parent, _ in node.next_functions if parent is not None)
    return softmax, None


def _nearest_products(node: Any) -> Iterator[Any]:
    """Yield the products that a node was made of, without those that led to them."""
    queue, nodes = deque([node]), {node}
    while queue and len(nodes) < MOST_NODES:
        node = queue.popleft()
        if node.name() in _OPERANDS:
            yield node
            continue
        following = [parent for parent, _ in node.next_functions if parent and parent not in nodes]
        nodes.update(following)
        queue.extend(following)


def _operands(product: Any) -> tuple[Tensor, Tensor] | None:
    """The two tensors of a product; None: they are not kept as they are, or were written into."""
    names = _OPERANDS[product.name()]
    if not all(_is_kept(product, name) for name in names):
        return None
    try:
        first, second = (getattr(product, name) for name in names)
    except RuntimeError:
        return None
    return (first, second) if isinstance(first, Tensor) and isinstance(second, Tensor) else None


def _is_kept(product: Any, name: str) -> bool:
    """Whether a node keeps a tensor itself. Under activation checkpointing it would be computed
    again: a hook of the program's unpacks it, and is left alone."""
    raw = getattr(product, f"_raw{name}", None)
    return raw is not None and getattr(raw, "unpack_hook", raw) is None
