"""How a function makes tables: for the patches of an image that it is handed, for M-RoPE's positions, or for others."""

from collections.abc import Callable
from typing import Any

import torch

from rotcheck.identify.making import image_patches, mrope_tables, table_calls
from rotcheck.identify.making.table_calls import Recipe
from rotcheck.identify.making.table_forms import Built


def find(function: Callable[..., Any], device: torch.device) -> tuple[Recipe, Built] | None:
    """Return how a function makes tables, and what it makes at first; None: it makes none.

    `device`: where it lives, and where what it is called with is made.
    """
    return (
        image_patches.find(function, device)
        or mrope_tables.find(function, device)
        or table_calls.find(function, device)
    )
