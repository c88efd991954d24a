"""Signatures written by hand: which calls are tried first, in which layouts,
and what speaks for a role."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from rotcheck.identify.calling.argument_roles import ANY_ROLE, roles
from rotcheck.identify.calling.candidates import (
    broadcast_axes,
    candidates,
    documented_first,
    single_layout,
    table_axes,
)
from rotcheck.identify.calling.documented_layout import documented_layout
from rotcheck.identify.calling.documented_shapes import (
    axes_by_role,
    documented_axes,
    documents_half_width,
)
from rotcheck.identify.calling.keyword_choices import choices
from rotcheck.identify.calling.parameters import offsets, parameter_of, parameters
from rotcheck.identify.calling.role_evidence import (
    arguments_without_evidence,
    names_fit,
    rotates_again,
    speaks_of_rotation,
)
from rotcheck.identify.calling.templates import MOST, templates
from rotcheck.identify.calling.untried_arguments import untried_arguments


def usual(q, k, cos, sin, position_ids=None, unsqueeze_dim=1):  # type: ignore[no-untyped-def]
    """Rotate q and k."""


def with_complex(xq: Tensor, xk: Tensor, freqs_cis: Tensor) -> None:
    """Meta's."""


def one_tensor(x: Tensor, positions: Tensor, *, interleaved: bool = False) -> None:
    """Rotate x (B, S, H, D).

    Args:
        x: (batch, seq_len, num_heads, head_dim)
        positions: (batch, seq_len)
    """


def by_keyword(q: Tensor, k: Tensor, *, cos: Tensor, sin: Tensor) -> None:
    """Rotate with cos, sin: (seq_len, head_dim // 2)."""


def nameless(a1, b1, c1, d1):  # type: ignore[no-untyped-def]
    """Nothing says what these are."""


def anything(*args):  # type: ignore[no-untyped-def]
    """Takes whatever it is given."""


def in_layouts(x: Tensor, cos: Tensor, sin: Tensor, layout: str = "bshd") -> Tensor:
    """Rotate x."""
    return x.transpose(1, 2) if layout == "bhsd" else x


def counting(x: Tensor, start_pos: int = 0) -> None:
    """Rotate x, from a position on."""


def un_rotate(keys: Tensor, cos: Tensor, sin: Tensor) -> None:
    """Take the rotation back."""


@pytest.mark.parametrize(
    ("function", "first"),
    [
        (usual, ("q", "k", "cos", "sin")),
        (with_complex, ("q", "k", "table")),
        (one_tensor, ("x", "positions")),
        (by_keyword, ("q", "k", "cos=cos", "sin=sin")),
        (un_rotate, ("x", "cos", "sin")),
    ],
)
def test_the_likeliest_call_is_what_the_names_say(
    function: Callable[..., Any], first: tuple[str, ...]
) -> None:
    calls = templates(function)
    assert calls[0] == first
    assert len(calls) == len(set(calls)) <= 2 * MOST
    assert names_fit(parameters(function) or [], first)
    assert speaks_of_rotation(function, first)


def test_an_argument_with_a_default_is_tried_after_the_others() -> None:
    calls = templates(usual)
    assert calls.index(("q", "k", "cos", "sin", "positions")) > 0


def test_where_no_name_speaks_the_commonest_calls_come_first_and_none_is_meant() -> None:
    calls = templates(nameless)
    assert ("q", "k", "cos", "sin") in calls
    assert not any(names_fit(parameters(nameless) or [], call) for call in calls)
    assert arguments_without_evidence(nameless, calls[0]) == ["a1", "b1", "c1", "d1"]
    assert parameters(anything) is None
    assert templates(anything)[0] == ("x", "cos", "sin") or len(templates(anything)[0]) == 3


def test_a_scripted_function_tells_its_parameters() -> None:
    def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        return x * cos + x * sin

    scripted = torch.jit.script(rotate)
    names = [parameter.name for parameter in parameters(scripted) or ()]
    assert names == ["x", "cos", "sin"]
    assert templates(scripted)[0] == ("x", "cos", "sin")


def test_roles_by_name_and_annotation() -> None:
    assert roles("cos")[0] == "cos"
    assert roles("position_ids")[0] == "positions"
    assert roles("blob") is ANY_ROLE
    assert roles("head_dim", int)[0] == "D"
    assert roles("is_neox", bool) == ("True", "False")
    assert roles("interleaved", bool) == ("False", "True")


def test_an_argument_belongs_to_a_parameter_by_place_or_by_name() -> None:
    places = parameters(by_keyword) or []
    assert parameter_of("q", 0, places) == places[0]
    assert parameter_of("sin=sin", 0, places) == places[3]
    assert parameter_of("x", 4, places) is None
    assert parameter_of("other=x", 0, places) is None


def test_an_offset_is_found_by_its_name() -> None:
    assert offsets(counting) == ["start_pos"]
    assert offsets(usual) == []
    assert untried_arguments(usual, ("q", "k", "cos", "sin"), ()) == (
        "position_ids",
        "unsqueeze_dim",
    )
    assert untried_arguments(usual, ("q", "k", "cos", "sin"), ("unsqueeze_dim=2",)) == (
        "position_ids",
    )


def test_words_that_an_argument_is_compared_with_are_its_choices() -> None:
    assert choices(in_layouts, "layout", str) == ("'bshd'", "'bhsd'")
    assert choices(in_layouts, "x", Tensor) == ()


def test_what_is_rotated_again_is_seen_by_names() -> None:
    assert rotates_again(un_rotate)
    assert not rotates_again(usual)


def test_the_documentation_tells_axes() -> None:
    assert documented_axes(one_tensor) == {"x": "bshd", "positions": "bs"}
    assert axes_by_role(one_tensor, ("x", "positions")) == {"x": "bshd", "positions": "bs"}
    assert single_layout({"x": "bshd", "positions": "bs"}) == "bshd"
    assert documents_half_width(by_keyword)
    assert not documents_half_width(usual)
    said = documented_layout(one_tensor)
    assert said is not None
    assert said.layout == "bshd"
    assert documented_layout(usual) is None


def test_candidates_go_through_layouts_and_forms_of_tables() -> None:
    groups = list(candidates(("q", "k", "cos", "sin")))
    assert [group[0].tables for group in groups] == ["repeated", "half-width"]
    assert {convention.layout for convention in groups[0]} >= {"bshd", "bhsd", "sbhd", "thd"}
    (without, points) = list(candidates(("x", "positions")))
    assert {convention.tables for convention in without} == {"positions"}
    assert all("2" in one.position_axes or "3" in one.position_axes for one in points)
    packed = next(iter(candidates(("qkv", "cos", "sin"))))
    assert all(convention.is_packed for convention in packed)
    ragged = next(iter(candidates(("x", "cos", "sin", "cu_seqlens"))))
    assert {convention.layout for convention in ragged} == {"thd", "t(hd)"}


def test_documented_axes_come_first_and_alone_where_calls_are_slow() -> None:
    group = next(iter(candidates(("x", "positions"))))
    axes = {"x": "bhsd", "positions": "bs"}
    first = documented_first(group, axes, few=False)
    assert len(first) == len(group)
    assert (first[0].axes, first[0].position_axes) == ("bhsd", "bs")
    few = documented_first(group, axes, few=True)
    assert {(way.axes, way.position_axes) for way in few} == {("bhsd", "bs")}


def test_tables_line_up_with_tensors() -> None:
    assert broadcast_axes("bshd") == "1s1w"
    assert broadcast_axes("bs3hd") == "1s31w"
    assert table_axes("bshd")[:2] == ["1s1w", "s1w"]
    assert not any("b" in axes for axes in table_axes("shd"))
