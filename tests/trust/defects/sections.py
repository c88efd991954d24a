"""M-RoPE: pairs that follow another of time, height and width than they should.

Each declares what it should do.
"""

import torch
from planting import planted

QWEN2 = {
    "pairing": "half",
    "layout": "bhsd",
    "tables": "repeated",
    "table_axes": "gbsw",
    "arguments": ("q", "k", "cos", "sin", "sections"),
}
QWEN3 = {**QWEN2, "sections": "interleaved"}


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def rotated(q, k, cos, sin):
    cos, sin = cos[:, None], sin[:, None]
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@planted(
    "sections",
    "`mrope_section * 2` of a tensor or array: sections twice as long, over lanes",
    **QWEN2,
)
def doubled_and_not_repeated(q, k, cos, sin, mrope_section):
    twice = [2 * pairs for pairs in mrope_section]
    cos, sin = (
        torch.cat([part[i] for i, part in enumerate(t.split(twice, -1))], -1) for t in (cos, sin)
    )
    return rotated(q, k, cos, sin)


@planted("sections", "`m[i % 3]` forgotten: the second half is width alone", **QWEN2)
def second_half_of_width(q, k, cos, sin, mrope_section):
    parts = mrope_section * 2
    cos, sin = (
        torch.cat([part[min(i, 2)] for i, part in enumerate(t.split(parts, -1))], -1)
        for t in (cos, sin)
    )
    return rotated(q, k, cos, sin)


@planted("sections", "text's function on three tables: time alone", **QWEN2)
def time_alone(q, k, cos, sin, mrope_section):
    return rotated(q, k, cos[0], sin[0])


@planted("sections", "positions handed over as (w, h, t)", **QWEN2)
def width_first(q, k, cos, sin, mrope_section):
    parts = mrope_section * 2
    cos, sin = (
        torch.cat([part[2 - i % 3] for i, part in enumerate(t.split(parts, -1))], -1)
        for t in (cos, sin)
    )
    return rotated(q, k, cos, sin)


@planted("sections", "Qwen2-VL's sections for Qwen3-VL's weights", **QWEN3)
def sections_where_turns_were_meant(q, k, cos, sin, mrope_section):
    parts = mrope_section * 2
    cos, sin = (
        torch.cat([part[i % 3] for i, part in enumerate(t.split(parts, -1))], -1)
        for t in (cos, sin)
    )
    return rotated(q, k, cos, sin)


@planted("sections", "Qwen3-VL's turns for Qwen2-VL's weights", **QWEN2)
def turns_where_sections_were_meant(q, k, cos, sin, mrope_section):
    def dealt(table):
        half = table[..., : table.shape[-1] // 2]
        own = half[0].clone()
        for axis in (1, 2):
            rows = slice(axis, 3 * mrope_section[axis], 3)
            own[..., rows] = half[axis, ..., rows]
        return torch.cat((own, own), -1)

    return rotated(q, k, dealt(cos), dealt(sin))
