"""M-RoPE as models write it, by three tables for time, height and width; and the mistakes that are made with it."""

import torch
from identifying import Corpus

expect = Corpus()
SECTIONED = {"pairing": "half", "layout": "bhsd", "tables": "repeated", "table_axes": "gbsw"}
ARGUMENTS = ("q", "k", "cos", "sin", "sections")


def turn_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def rotated(x, cos, sin):
    return x * cos + turn_half(x) * sin


@expect(**SECTIONED, sections="blocks", argument_order=ARGUMENTS)
def split_twice(q, k, cos, sin, mrope_section, unsqueeze_dim=1):
    both = mrope_section * 2
    cos = torch.cat([part[i % 3] for i, part in enumerate(cos.split(both, -1))], -1).unsqueeze(unsqueeze_dim)
    sin = torch.cat([part[i % 3] for i, part in enumerate(sin.split(both, -1))], -1).unsqueeze(unsqueeze_dim)
    return rotated(q, cos, sin), rotated(k, cos, sin)


@expect(
    **SECTIONED | {"layout": "bshd", "tables": "half-width"},
    sections="blocks",
    argument_order=("x", *ARGUMENTS[2:]),
)
def half_width(x, cos, sin, sections):
    cos, sin = (
        torch.cat([part[axis] for axis, part in enumerate(table.split(sections, -1))], -1).unsqueeze(2)
        for table in (cos, sin)
    )
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


@expect(**SECTIONED | {"tables": "half-width"}, sections="interleaved", argument_order=ARGUMENTS)
def dealt_in_turn(q, k, cos, sin, mrope_section):
    def dealt(table):
        own = table[0].clone()
        for axis in (1, 2):
            own[..., axis : 3 * mrope_section[axis] : 3] = table[
                axis, ..., axis : 3 * mrope_section[axis] : 3
            ]
        return torch.cat((own, own), -1)[:, None]

    cos, sin = dealt(cos), dealt(sin)
    return rotated(q, cos, sin), rotated(k, cos, sin)


@expect(mistakes=("sections",), **SECTIONED)
def sections_over_lanes(q, k, cos, sin, mrope_section):
    both = mrope_section * 2
    cos = torch.cat([part[min(i, 2)] for i, part in enumerate(cos.split(both, -1))], -1)[:, None]
    sin = torch.cat([part[min(i, 2)] for i, part in enumerate(sin.split(both, -1))], -1)[:, None]
    return rotated(q, cos, sin), rotated(k, cos, sin)


@expect(mistakes=("sections",), **SECTIONED)
def time_alone(q, k, cos, sin, mrope_section):
    assert 2 * sum(mrope_section) == q.shape[-1]
    cos, sin = cos[0][:, None], sin[0][:, None]
    return rotated(q, cos, sin), rotated(k, cos, sin)


@expect(mistakes=("sections",), **SECTIONED)
def width_first(q, k, cos, sin, mrope_section):
    both = mrope_section[::-1] * 2
    cos = torch.cat([part[2 - i % 3] for i, part in enumerate(cos.split(both, -1))], -1)[:, None]
    sin = torch.cat([part[2 - i % 3] for i, part in enumerate(sin.split(both, -1))], -1)[:, None]
    return rotated(q, cos, sin), rotated(k, cos, sin)
