"""Tables made by hand are read: every form, order and order of axes,
and what is no table of a rotation."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from rotcheck.identify.making.table_precision import dtype_of_values
from rotcheck.identify.making.table_reading import NotTables, RotaryTables, read_tables
from rotcheck.rotary.frequencies import wrap

ROWS, PAIRS = 7, 8
FREQUENCIES = 1 / 10000 ** (torch.arange(PAIRS, dtype=torch.float64) / PAIRS)
ANGLES = torch.arange(ROWS, dtype=torch.float64)[:, None] * FREQUENCIES  # (S, P)
COS, SIN = ANGLES.cos(), ANGLES.sin()


def _halves(table: Tensor) -> Tensor:
    return torch.cat((table, table), -1)


def _neighbours(table: Tensor) -> Tensor:
    return table.repeat_interleave(2, -1)


def _matrices() -> Tensor:
    return torch.stack((torch.stack((COS, -SIN), -1), torch.stack((SIN, COS), -1)), -2)


FORMS: dict[str, tuple[Any, tuple[str, str | None, str]]] = {
    "half width": ((COS, SIN), ("half-width", None, "cos, sin")),
    "sin first": ((SIN, COS), ("half-width", None, "sin, cos")),
    "halves": ((_halves(COS), _halves(SIN)), ("repeated", "half", "cos, sin")),
    "neighbours": (
        (_neighbours(COS), _neighbours(SIN)),
        ("repeated", "interleaved", "cos, sin"),
    ),
    "a list": ([COS, SIN], ("half-width", None, "cos, sin")),
    "a dictionary": ({"cos": COS, "sin": SIN}, ("half-width", None, "cos, sin")),
    "complex": (torch.complex(COS, SIN), ("complex", None, "one tensor")),
    "stacked": (torch.stack((COS, SIN), -1), ("stacked", None, "one tensor")),
    "stacked, sin first": (torch.stack((SIN, COS), -1), ("stacked", None, "sin first")),
    "matrices": (_matrices(), ("matrix", None, "one tensor")),
    "one behind the other": (torch.cat((COS, SIN), -1), ("half-width", None, "cos+sin")),
    "sin, then cos": (torch.cat((SIN, COS), -1), ("half-width", None, "sin+cos")),
    "lane by lane": (
        torch.stack((COS, SIN), -1).flatten(-2),
        ("half-width", None, "cos|sin"),
    ),
    "one above the other": (torch.stack((COS, SIN), -2), ("half-width", None, "cos/sin")),
    "in front": (torch.stack((COS, SIN)), ("half-width", None, "cos, sin")),
    "angles": (ANGLES, ("angles", None, "one tensor")),
    "angles twice": (_halves(ANGLES), ("angles-repeated", "half", "one tensor")),
    "each angle twice": (
        _neighbours(ANGLES),
        ("angles-repeated", "interleaved", "one tensor"),
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_tables_is_read_with_its_order_and_angles(name: str) -> None:
    returned, expected = FORMS[name]
    tables = read_tables(returned, ROWS)
    assert (tables.form, tables.table_lanes, tables.order) == expected
    assert torch.allclose(tables.cos, COS)
    assert torch.allclose(tables.sin, SIN)


@pytest.mark.parametrize(
    ("axes", "lay"),
    [
        ("sw", lambda table: table),
        ("1sw", lambda table: table[None]),
        ("s1w", lambda table: table[:, None]),
        ("11sw", lambda table: table[None, None]),
        ("1s1w", lambda table: table[None, :, None]),
        ("bsw", lambda table: table.expand(2, -1, -1)),
    ],
)
def test_the_axes_of_a_table_are_told_by_its_rows(
    axes: str, lay: Callable[[Tensor], Tensor]
) -> None:
    tables = read_tables((lay(COS), lay(SIN)), ROWS)
    assert tables.axes == axes
    assert torch.allclose(tables.angles, wrap(ANGLES))


def test_rows_beyond_those_that_were_asked_for_are_cut_off() -> None:
    assert len(read_tables((COS, SIN), 4).cos) == 4


def test_tables_with_a_slot_for_v_that_stands_still_are_packed() -> None:
    cos = torch.stack((COS, COS, torch.ones_like(COS)), 1)  # (S, 3, P)
    sin = torch.stack((SIN, SIN, torch.zeros_like(SIN)), 1)
    assert read_tables((cos, sin), ROWS).form == "packed"


def test_an_amplitude_is_kept_apart_from_the_angles() -> None:
    tables = read_tables((1.5 * COS, 1.5 * SIN), ROWS)
    assert tables.amplitude == pytest.approx(1.5)
    assert torch.allclose(tables.angles, wrap(ANGLES))


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("a word", "returns str"),
        (torch.arange(ROWS), "returns a tensor of torch.int64"),
        (torch.ones(ROWS), "returns a tensor of shape"),
        ((COS, COS), "not cos and sin"),
        ((COS * torch.nan, SIN), "NaN"),
        ((COS[:3], SIN[:3]), "no axis of it has 7 rows"),
        (torch.stack((COS, 2 * COS))[:, :, None], "not cos and sin"),
        (torch.full((ROWS, 4), 0.5), "neither cos and sin nor angles"),
    ],
)
def test_what_is_no_table_says_why(returned: Any, words: str) -> None:
    with pytest.raises(NotTables, match=words):
        read_tables(returned, ROWS)


def test_rows_that_turn_evenly_are_steady_and_those_of_a_grid_are_not() -> None:
    assert read_tables((COS, SIN), ROWS).steady
    places = torch.tensor([0, 1, 2, 0, 1, 2, 0], dtype=torch.float64)[:, None] * FREQUENCIES
    assert not read_tables((places.cos(), places.sin()), ROWS).steady


def _tables(dtype: torch.dtype, rounded: torch.dtype) -> RotaryTables:
    return read_tables((COS.to(rounded).to(dtype), SIN.to(rounded).to(dtype)), ROWS)


def test_values_that_bfloat16_holds_give_away_a_rounded_table() -> None:
    assert dtype_of_values(_tables(torch.float32, torch.bfloat16)) == torch.bfloat16
    assert dtype_of_values(_tables(torch.float32, torch.float16)) == torch.float16
    assert dtype_of_values(_tables(torch.float32, torch.float32)) is None
    assert dtype_of_values(_tables(torch.bfloat16, torch.bfloat16)) is None
