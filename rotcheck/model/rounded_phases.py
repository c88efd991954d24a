"""The phases that come of computing a part of them in a narrower dtype."""

from collections.abc import Iterator

import torch
from torch import Tensor

NAMES = {torch.bfloat16: "bfloat16", torch.float16: "float16"}


def rounded_tables(positions: Tensor, frequencies: Tensor) -> Iterator[tuple[Tensor, str]]:
    """Yield the angles of tables of cos and sin that were rounded, and to what.

    Args:
        positions: float64, that broadcast with the frequencies.
        frequencies: (P,), float64.
    """
    phases = positions.float() * frequencies.float()
    for dtype, name in NAMES.items():
        cos, sin = (table.to(dtype).double() for table in (phases.cos(), phases.sin()))
        yield torch.atan2(sin, cos), f"its cos and sin were rounded to {name}"


def rounded_phases(positions: Tensor, frequencies: Tensor) -> Iterator[tuple[Tensor, str]]:
    """Yield phases with something about them rounded, and what it is.

    Args:
        positions: float64, that broadcast with the frequencies.
        frequencies: (P,), float64.
    """
    for dtype, name in NAMES.items():
        rows, steps = positions.to(dtype).double(), frequencies.to(dtype).double()
        yield positions * steps, f"its frequencies were rounded to {name}"
        yield rows * frequencies, f"its positions were rounded to {name}"
        periods = (1 / frequencies).to(dtype).double()
        yield positions / periods, f"what its positions are divided by was rounded to {name}"
        phases = (positions * frequencies).float().to(dtype).double()
        yield phases, f"its angles were rounded to {name}"
        yield rows * steps, f"its positions and frequencies were rounded to {name}"
        yield (rows * steps).to(dtype).double(), f"its angles were computed in {name}"
