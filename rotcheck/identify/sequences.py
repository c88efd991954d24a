"""Several sequences in one tensor: do their positions begin anew where `cu_seqlens` says so?"""

import torch

from rotcheck.identify.engine import Found
from rotcheck.identify.remarks import remark
from rotcheck.identify.response import SAME, Trier
from rotcheck.results import Remark, Told
from rotcheck.rotary.conventions import role_of

FIRST = 2  # rows of the first of two sequences


def of_starts(found: Found) -> tuple[list[Told], list[Remark]]:
    """Return what a call with two sequences tells, of a function that is told where they begin."""
    if "cu_seqlens" not in map(role_of, found.convention.arguments) or not found.exact:
        return [], []
    rows = found.trier.probe.length
    seen = f"cu_seqlens of [0, {FIRST}, {rows}] beside [0, {rows}]"
    one, two = _rotated(found, (0,)), _rotated(found, (0, FIRST))
    if torch.allclose(two[:, FIRST:], one[:, :-FIRST], atol=SAME):
        return [Told(field="positions", says="begin anew with each sequence", because=seen)], []
    words = "gives the second of two sequences no positions of its own"
    if found.convention.tables != "positions" and torch.allclose(two, one, atol=SAME):
        words = (
            "takes the tables row by row, whatever cu_seqlens says: they must begin anew with each sequence"
        )
        return [], [remark("sequences", words, seen, mistake=False)]
    return [], [remark("sequences", words, seen)]


def _rotated(found: Found, starts: tuple[int, ...]) -> torch.Tensor:
    before = found.trier
    trier = Trier(before.function, before.device, before.probe, before.dtype)
    trier.starts = starts
    shape = (1, trier.probe.length, trier.heads(found.convention), trier.probe.width)
    x = torch.ones(shape, dtype=torch.float64)
    return trier.call(found.convention, [x] * len(found.convention.slots))[0]  # (1, S, H, D)
