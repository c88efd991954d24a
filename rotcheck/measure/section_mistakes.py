"""M-RoPE's mistakes: a pair, or a lane, takes its angle from the wrong one of time,
height and width."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from rotcheck.convention.sections import Sections, sections
from rotcheck.measure.case import Case
from rotcheck.measure.pair_changes import turn
from rotcheck.measure.prediction import Prediction, by_lanes, with_turn
from rotcheck.rotary import lanes, pairs
from rotcheck.rotary.tables import section_axes

AXES = ("time", "height", "width")
_DEALS: dict[Sections, str] = {
    "blocks": "takes the pairs section after section",
    "interleaved": "deals the pairs in turn",
}


def predictions(case: Case) -> Iterator[Prediction]:
    """What each of these mistakes would give."""
    for words, axes in _wrong_axes(case):
        yield "sections", words, with_turn(case, partial(_rotate_by_axes, case, axes))


def _wrong_axes(case: Case) -> Iterator[tuple[str, Tensor]]:
    """Each mistake in words, and the axis (rotary_dim,) of each lane,
    in the tables' order of lanes.

    Source: what can be got wrong in `apply_multimodal_rotary_pos_emb` of transformers' Qwen2-VL.
    """
    turning, order = case.rotary_dim // 2, case.convention.sections
    for axis, name in enumerate(AXES):
        words = f"takes the angles of all pairs from the table of {name}"
        yield words, _of_pairs(case, torch.full((turning,), axis))
    other: Sections = "interleaved" if order == "blocks" else "blocks"
    words = f"{_DEALS[other]}, where the other order of sections is meant"
    yield words, _of_pairs(case, section_axes(turning, other))
    reverse = _of_pairs(case, 2 - section_axes(turning, order))
    yield "counts its sections from width to time", reverse
    counts = torch.tensor(sections(turning))
    words = "lays its sections over lanes and not over pairs: two lanes of a pair turn by different angles"
    yield words, torch.arange(3).repeat_interleave(2 * counts)
    yield words, torch.tensor([0, 1, 2, 2, 2, 2]).repeat_interleave(counts.repeat(2))


def _of_pairs(case: Case, axes: Tensor) -> Tensor:
    return lanes(torch.stack((axes, axes), -1), case.convention.lane_order)


def _rotate_by_axes(case: Case, axes: Tensor, x: Tensor, angles: Tensor) -> Tensor:
    """Rotate pairs (B, S, H, P, 2) by angles ([B,] S, P),
    each lane by the angle of its axis in `axes`.

    In the tables that `rotcheck.rotary.tables` makes,
    the angle of another axis than the pair's own is 1 rad ahead.
    """
    owners = section_axes(angles.shape[-1], case.convention.sections)  # (P,)
    off = pairs(axes, case.convention.lane_order) != owners[:, None]  # (P, 2)
    lane_angles = angles[..., None] + case.convention.direction * off.double()  # ([B,] S, P, 2)
    return by_lanes(turn, x, lane_angles)
