"""What a call does to each lane: the function's matrix at every position,
measured with basis vectors.

The tables that go in hold other numbers in every row and lane, cos and sin no rotation at all, so
that each entry of the matrix tells which entry of which table it was made of.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.identify.reading.caller import Caller, Sample
from rotcheck.identify.reading.probe_sizes import probe_tables

# two entries closer than this are one; those of a table's row lie 5e-4 apart, of angles 1e-4
TOLERANCE = 2e-4


@dataclass(frozen=True, slots=True)
class Response:
    """The matrices (S, D, D) of q, k and v, as far as the call has them,
    and the tables (S, W) that made them."""

    matrices: tuple[Tensor, ...]  # row l, column i: what of lane i arrives in lane l
    cos: Tensor | None
    sin: Tensor | None
    sample: Sample
    uneven: str = ""  # along which axis else the response differs: "batch", "head"
    # a row's result holds something of another row, or is no sum over its lanes
    mixes: bool = False


def measure_response(caller: Caller, sample: Sample, *, lane_by_lane: bool = True) -> Response:
    """Measure the matrices of a call, of which a sample with random values is known.

    Basis vectors go in for as many lanes at once as there are heads and batch rows; whether their
    matrices hold for all of these, the random values tell. Where they do not, each lane is asked
    for by itself if `lane_by_lane`.
    """
    convention = sample.convention
    cos, sin = _cos_and_sin(caller, convention)
    if _returns_inputs(sample, caller.dtype):
        eye = torch.eye(caller.probe.width, dtype=torch.float64).repeat(caller.probe.length, 1, 1)
        return Response((eye,) * len(sample.outputs), cos, sin, sample)
    matrices = _shared_matrices(caller, convention)
    slots = zip(matrices, sample.inputs)
    products = [torch.einsum("sli,bshi->bshl", matrix, x) for matrix, x in slots]
    if not _differ(products, sample.outputs):
        return Response(matrices, cos, sin, sample)
    if not lane_by_lane:
        return Response(matrices, cos, sin, sample, mixes=True)
    apart = _separate_matrices(caller, convention)  # (B, S, H, D, D) each
    products = [torch.einsum("bshli,bshi->bshl", full, x) for full, x in zip(apart, sample.inputs)]
    uneven = _uneven_axis(apart[0])
    head = 1 if uneven == "head" else 0  # the first may turn by an angle of 0
    of_head = tuple(slot[0, :, head] for slot in apart)
    return Response(of_head, cos, sin, sample, uneven, _differ(products, sample.outputs))


def _cos_and_sin(caller: Caller, convention: Convention) -> tuple[Tensor | None, Tensor | None]:
    if not convention.takes_tables:
        return None, None
    return probe_tables(convention.tables, caller.probe)[1:]


def _returns_inputs(sample: Sample, dtype: torch.dtype) -> bool:
    inputs = [x.to(dtype).double() for x in sample.inputs]
    return all(map(torch.equal, inputs, sample.outputs))


def _shared_matrices(caller: Caller, convention: Convention) -> tuple[Tensor, ...]:
    """The matrices (S, D, D) of each slot, if all heads and batch rows have the same."""
    shape, width = caller.shape(convention), caller.probe.width
    places = shape[0] * shape[2]  # heads and batch rows
    columns: list[list[Tensor]] = []
    for start in range(0, width, places):
        lanes = (start + torch.arange(places)) % width
        units = torch.eye(width, dtype=torch.float64)[lanes]
        x = units.view(shape[0], 1, shape[2], width).expand(shape)
        outputs = caller.call(convention, [x] * len(convention.slots))
        by_place = [slot.transpose(1, 2).flatten(0, 1) for slot in outputs]  # (lanes, S, D) each
        columns.append([slot[: width - start] for slot in by_place])
    return tuple(torch.cat(slot).permute(1, 2, 0) for slot in zip(*columns))


def _separate_matrices(caller: Caller, convention: Convention) -> list[Tensor]:
    """The matrices (B, S, H, D, D) of each slot, a basis vector a call."""
    columns: list[list[Tensor]] = []
    for lane in range(caller.probe.width):
        x = torch.zeros(caller.shape(convention), dtype=torch.float64)
        x[..., lane] = 1.0
        columns.append(list(caller.call(convention, [x] * len(convention.slots))))
    return [torch.stack(slot, -1) for slot in zip(*columns)]


def _differ(products: Sequence[Tensor], outputs: Sequence[Tensor]) -> bool:
    """Whether results are not what matrices make of their inputs, NaN included."""
    return any(not bool((a - b).abs().max() <= 50 * TOLERANCE) for a, b in zip(products, outputs))


def _uneven_axis(matrices: Tensor) -> str:
    """Along which axis of (B, S, H, D, D) the response differs although no table says so."""
    first = matrices[:1, :, :1]
    if bool((matrices[:, :, :1] - first).abs().max() > TOLERANCE):
        return "batch"
    return "head" if bool((matrices[:1] - first).abs().max() > TOLERANCE) else ""
