"""M-RoPE's mistakes: which of time, height and width a pair, or a lane, takes its angle from by mistake."""

from collections.abc import Iterator

import torch
from torch import Tensor

from rotcheck.measure.case import Case
from rotcheck.rotary import lanes, pairs
from rotcheck.rotary.tables import section_axes, sections

AXES = ("time", "height", "width")


def wrong_axes(case: Case) -> Iterator[tuple[str, Tensor]]:
    """Yield each mistake in words with the axis (rotary_dim,) that each lane takes then, lanes as the tables have them.

    Source: what can be got wrong in `apply_multimodal_rotary_pos_emb` of transformers' Qwen2-VL.
    """
    turning, own = case.rotary_dim // 2, case.convention.sections
    for axis, name in enumerate(AXES):
        yield (
            f"takes the angles of all pairs from the table of {name}",
            _of_pairs(case, torch.full((turning,), axis)),
        )
    other = section_axes(turning, "blocks" if own == "interleaved" else "interleaved")
    words = (
        "deals the pairs in turn" if own == "blocks" else "takes the pairs section after section"
    )
    yield f"{words}, where the other order of sections is meant", _of_pairs(case, other)
    yield "counts its sections from width to time", _of_pairs(case, 2 - section_axes(turning, own))
    counts = torch.tensor(sections(turning))
    words = "lays its sections over lanes and not over pairs: two lanes of a pair turn by different angles"
    yield words, torch.arange(3).repeat_interleave(2 * counts)
    yield words, torch.tensor([0, 1, 2, 2, 2, 2]).repeat_interleave(counts.repeat(2))


def _of_pairs(case: Case, axes: Tensor) -> Tensor:
    return lanes(torch.stack((axes, axes), -1), case.convention.lane_order)


def turned(case: Case, x: Tensor, angles: Tensor, taken: Tensor) -> Tensor:
    """Rotate pairs (B, S, H, P, 2) by angles ([B,] S, P), each lane with that of the axis that it takes.

    A pair that takes from another axis than its own is 1 rad ahead, as `rotcheck.rotary.tables` makes such tables.
    """
    owners = section_axes(angles.shape[-1], case.convention.sections)  # (P,)
    off = pairs(taken, case.convention.lane_order) != owners[:, None]  # (P, 2)
    each = angles[..., None] + case.convention.direction * off.double()  # ([B,] S, P, 2)
    cos, sin = each.cos().unsqueeze(-3), each.sin().unsqueeze(-3)
    a, b = x.unbind(-1)  # (B, S, H, P) each
    return torch.stack((a * cos[..., 0] - b * sin[..., 0], b * cos[..., 1] + a * sin[..., 1]), -1)
