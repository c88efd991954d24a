"""Functions that a CUDA graph captures with something in it that should not be,
or cannot capture."""

import torch
from checks_full import ALONE, INDEXED, _turn, grouped

from rotcheck import declare

kept = []


def _kept(*tensors):
    """Return what these tensors hold, or in a capture what they held at the call before it:
    stale in a replay."""
    if not torch.cuda.is_current_stream_capturing():
        kept[:] = [tensor.clone() for tensor in tensors]
    return kept


@declare(**ALONE)
def keeps_its_cos(x, cos, sin):
    return _turn(x, *_kept(cos), sin)


@declare(**ALONE | {"arguments": ("x", "sin+cos")})
def keeps_its_joined_tables(x, tables):
    sin, cos = _kept(tables)[0].chunk(2, -1)
    return _turn(x, cos, sin)


@declare(**INDEXED)
def keeps_its_positions(q, k, cos, sin, position_ids):
    (at,) = _kept(position_ids)
    return grouped(q, k, cos[at].unsqueeze(2), sin[at].unsqueeze(2))


@declare(**INDEXED)
def keeps_its_rows(q, k, cos, sin, position_ids):
    cos, sin, at = _kept(cos, sin, position_ids)
    return grouped(q, k, cos[at].unsqueeze(2), sin[at].unsqueeze(2))


@declare(**ALONE)
def looks_at_a_value(x, cos, sin):
    return _turn(x, cos, sin) if float(cos.max()) <= 1 else x


@declare(**ALONE)
def looks_and_tells_otherwise(x, cos, sin):
    try:
        return looks_at_a_value(x, cos, sin)
    except RuntimeError as error:
        raise TypeError("no rotary for these") from error
