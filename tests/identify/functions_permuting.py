"""Functions that permute the rows of q's and k's projections, right and wrong,
and what must be told of each."""

import torch
from torch import Tensor

RIGHT = {
    "permute_to_neighbours": "halves to neighbours in each of 6 heads",
    "Converter.reverse_permute": "neighbours to halves in each of 6 heads of q and 3 of k",
    "permute_rotary_rows": "halves to neighbours in the first 8 of 16 rows in each of 6 heads",
    "permute_q_and_k": "halves to neighbours in each of 6 heads of q and 3 of k",
    "permute_qkv": "halves to neighbours in each of 6 heads of q and 3 of k; v stays as it is",
    "permute_q": "neighbours to halves in each of 6 heads of q",
}
WRONG = {
    "permute_divided": "moves rows of a k of 3 heads into other heads, as if it had 2: 16 of 48 rows",
    "permute_k_as_q": "permutes a k of 3 heads differently from q, as if it had 6",
    "permute_unlike": "permutes k from neighbours to halves, and q from halves to neighbours",
    "permute_even_twice": "loses 48 of 96 rows, and takes others twice: 1, 3, 5, 7, 9, 11, ...",
}
UNKNOWN = {
    "permute_ignoring_k": "right for q; given 3 heads of k it permutes k as for 6",
    "permute_heads": "it permutes rows, and not as any conversion between halves and neighbours does",
    "permute_equal_only": "it permutes rows, and f(w, 6, 3) raises AssertionError: heads",
}


def _to_neighbours(weight: Tensor, heads: int) -> Tensor:
    return (
        weight.view(heads, 2, weight.shape[0] // heads // 2, -1)
        .transpose(1, 2)
        .reshape(weight.shape)
    )


def _to_halves(weight: Tensor, heads: int) -> Tensor:
    return (
        weight.view(heads, weight.shape[0] // heads // 2, 2, -1)
        .transpose(1, 2)
        .reshape(weight.shape)
    )


def permute_to_neighbours(w: Tensor, n_heads: int, dim1: int, dim2: int) -> Tensor:
    return w.view(n_heads, 2, dim1 // n_heads // 2, dim2).transpose(1, 2).reshape(dim1, dim2)


class Converter:
    def reverse_permute(self, weights: Tensor, n_head: int, n_head_kv: int | None = None) -> Tensor:
        return _to_halves(weights, n_head_kv or n_head)


def permute_rotary_rows(weight: Tensor, num_heads: int, rotary_dim: int) -> Tensor:
    heads = weight.unflatten(0, (num_heads, -1))  # (H, D, C)
    turning = heads[:, :rotary_dim].unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)  # (H, R, C)
    return torch.cat((turning, heads[:, rotary_dim:]), 1).flatten(0, 1)


def permute_q_and_k(
    q_proj: Tensor, k_proj: Tensor, n_head: int = 8, n_kv_head: int = 2
) -> tuple[Tensor, Tensor]:
    return _to_neighbours(q_proj, n_head), _to_neighbours(k_proj, n_kv_head)


def permute_qkv(qkv_weight: Tensor, n_head: int, n_kv_head: int, head_dim: int) -> Tensor:
    q, k, v = qkv_weight.split((n_head * head_dim, n_kv_head * head_dim, n_kv_head * head_dim))
    return torch.cat((_to_neighbours(q, n_head), _to_neighbours(k, n_kv_head), v))


def permute_q(q_weight: Tensor, n_head: int, n_kv_head: int) -> Tensor:
    return _to_halves(q_weight, n_head)


def permute_divided(weights: Tensor, n_head: int, n_kv_head: int) -> Tensor:
    return _to_halves(weights, n_head if n_head == n_kv_head else n_head // n_kv_head)


def permute_k_as_q(
    q_proj: Tensor, k_proj: Tensor, n_head: int, n_kv_head: int
) -> tuple[Tensor, Tensor]:
    return _to_neighbours(q_proj, n_head), _to_neighbours(k_proj, n_head)


def permute_unlike(
    q_proj: Tensor, k_proj: Tensor, n_head: int, n_kv_head: int
) -> tuple[Tensor, Tensor]:
    return _to_neighbours(q_proj, n_head), _to_halves(k_proj, n_kv_head)


def permute_even_twice(w: Tensor, n_heads: int) -> Tensor:
    heads = w.unflatten(0, (n_heads, -1))  # (H, D, C)
    return torch.cat((heads[:, ::2], heads[:, ::2]), 1).flatten(0, 1)


def permute_ignoring_k(w: Tensor, n_heads: int, n_kv_heads: int) -> Tensor:
    return _to_halves(w, n_heads)


def permute_heads(w: Tensor, n_heads: int) -> Tensor:
    return w.unflatten(0, (n_heads, -1)).flip(0).flatten(0, 1)


def permute_equal_only(w: Tensor, n_heads: int, n_kv_heads: int) -> Tensor:
    assert n_heads == n_kv_heads, "heads"
    return _to_halves(w, n_heads)


def permute(tokens: Tensor, routing_map: Tensor, num_out_tokens: int | None = None) -> Tensor:
    """Of a mixture of experts: nothing to do with heads."""
    return tokens[routing_map]
