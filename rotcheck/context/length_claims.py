"""How far an object claims to be right: by an attribute, or by the rows of a table it holds."""

import re
from typing import Any

import torch
from torch import Tensor

NAMES = re.compile(
    r"_?(original_)?max_[a-z_]*(len|length|positions?|position_embeddings|seqlen)(_cached)?"
    r"|context_length|n_ctx|block_size"
)
TABLES = re.compile(r"cos|sin|cach|freqs?|cis|emb|table|pe|rope|angles|phases")
FEWEST, MOST = 16, 1 << 24  # rows; a table of fewer holds frequencies and no positions


def claim(owner: Any) -> tuple[int, str] | tuple[None, None]:
    """How many positions an object claims, and which attribute says so; None: it claims nothing."""
    if owner is None:
        return None, None
    lengths = {
        name: value
        for source in (owner, getattr(owner, "config", None))
        for name, value in _lengths(source)
    }
    if lengths:
        name = max(lengths, key=lengths.__getitem__)
        return lengths[name], name
    rows = {name: _rows(table) for name, table in tables(owner) if _rows(table) >= FEWEST}
    if not rows:
        return None, None
    name = max(rows, key=rows.__getitem__)
    return rows[name], f"the rows of {name}"


def tables(owner: Any) -> list[tuple[str, Tensor]]:
    """The tensors of an object whose names say that they may be tables."""
    tensors = [(name, value) for name, value in _attributes(owner) if isinstance(value, Tensor)]
    if isinstance(owner, torch.nn.Module):
        tensors += [*owner.named_buffers(), *owner.named_parameters()]
    return [(name, table) for name, table in tensors if TABLES.search(name)]


def _lengths(source: Any) -> list[tuple[str, int]]:
    return [
        (name, value)
        for name, value in _attributes(source)
        if NAMES.fullmatch(name)
        and isinstance(value, int)
        and not isinstance(value, bool)
        and FEWEST <= value <= MOST
    ]


def _attributes(source: Any) -> list[tuple[str, Any]]:
    return list(getattr(source, "__dict__", {}).items())


def _rows(table: Tensor) -> int:
    return max(table.shape[:-1], default=0) if table.shape and table.shape[-1] <= 1024 else 0
