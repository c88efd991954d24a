"""Inside a worker: how far the outputs of each two implementations are from each other."""

import base64
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from rotcheck.measure.case import BATCH, HEADS, PAIRS, POSITIONS
from rotcheck.measure.rounding_steps import norms, unit


def open_outputs(setup: dict[str, Any]) -> Callable[[list[str]], float]:
    """Read the outputs in `setup["outputs"]`; return what answers [first, second] with their
    distance.

    The distance is in units of `setup["dtype"]` at the size of the first one's pairs, which
    rotation keeps; elements that are not finite in both count as equal, in one alone as infinitely
    far.
    """
    dtype = getattr(torch, setup["dtype"])
    outputs = {name: _read(text) for name, text in setup["outputs"].items()}

    def distance(names: list[str]) -> float:
        first, second = (outputs[name] for name in names)
        finite = torch.isfinite(first) & torch.isfinite(second)
        off = torch.where(finite, (first - second).abs(), 0.0)
        off[torch.isfinite(first) != torch.isfinite(second)] = 1e308
        (sizes,) = norms([torch.where(torch.isfinite(first), first, 0.0)])
        return float((off / unit(sizes, dtype)[..., None]).clamp_max(1e308).max())

    return distance


def _read(text: str) -> Tensor:
    """The pairs (B, S, H, P, 2) in float64."""
    flat = torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float64)
    return flat.view(BATCH, len(POSITIONS), HEADS, PAIRS, 2)
