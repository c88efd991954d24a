"""Several sequences in one tensor: do their positions begin anew where `cu_seqlens` says so?"""

import torch

from rotcheck.identify.engine import Found
from rotcheck.identify.remarks import remark
from rotcheck.identify.response import SAME
from rotcheck.results import Remark, Told
from rotcheck.rotary.conventions import role_of

FIRST = 2  # rows of the first of two sequences


def of_starts(found: Found) -> tuple[list[Told], list[Remark]]:
    """Return what a call with two sequences tells, of a function that is told where they begin."""
    if "cu_seqlens" not in map(role_of, found.convention.arguments) or not found.exact:
        return [], []
    rows = found.trier.probe.length
    seen = f"cu_seqlens of [0, {FIRST}, {rows}] beside [0, {rows}]"
    one = found.trier.ones(found.convention)  # (1, S, H, D)
    two = found.trier.but(starts=(0, FIRST)).ones(found.convention)  # (1, S, H, D)
    if torch.allclose(two[:, FIRST:], one[:, :-FIRST], atol=SAME):
        return [Told(field="positions", says="begin anew with each sequence", because=seen)], []
    words = "gives the second of two sequences no positions of its own"
    if found.convention.tables != "positions" and torch.allclose(two, one, atol=SAME):
        words = (
            "takes the tables row by row, whatever cu_seqlens says: they must begin anew with each sequence"
        )
        return [], [remark("sequences", words, seen, mistake=False)]
    return [], [remark("sequences", words, seen)]
