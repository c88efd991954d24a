"""Which keys each query of an attention looks at: what its mask, or its weights, let through."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from rotcheck.witness.tensor_values import has_values

NO_WEIGHT = -1e3  # what is added to a score whose weight is to be zero
_NAMES = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")


def attended_keys(arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Tensor | None:
    """Those of a call of scaled_dot_product_attention, ([B,] S, T); None: they cannot be told."""
    values = {**dict(zip(_NAMES, arguments)), **keywords}
    tensors = [x for x in values.values() if isinstance(x, Tensor)]
    if not all(map(has_values, tensors)):
        return None
    rows, keys = (values[name].shape[-2] for name in ("query", "key"))
    sees = torch.ones(rows, keys, dtype=torch.bool)
    if values.get("is_causal"):
        sees = sees.tril()
    mask = values.get("attn_mask")
    if mask is None:
        return sees
    mask = mask.detach().cpu()
    return sees & _of_any_head(mask if mask.dtype == torch.bool else mask > NO_WEIGHT)


def weighted_keys(weights: Tensor) -> Tensor | None:
    """Those to which an attention gives weights, ([B,] S, T); None: they cannot be told."""
    return _of_any_head(weights.detach().cpu() > 0) if has_values(weights) else None


def _of_any_head(sees: Tensor) -> Tensor:
    """Of (B, ..., S, T) those that any head of a row of the batch lets through, (B, S, T)."""
    return sees.flatten(1, -3).any(1) if sees.dim() > 3 else sees
