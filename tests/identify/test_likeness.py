"""`--like`: can one take the other's place? What it says is to change is carried out,
and gives equal values."""

import re
from functools import cache
from typing import Any

import pytest
import swaps
import torch
from identifying import told
from msgspec.structs import replace
from torch import Tensor

from rotcheck.identify.swapping.likeness import likeness
from rotcheck.results import Difference, Identification, Likeness

BATCH, ROWS, HEADS, LANES = 2, 7, 3, 64
WIDE = 24  # lanes of what goes into the projections


@cache
def identification(name: str) -> Identification:
    return told(f"swaps:{name}")


def like(own: str, other: str) -> Likeness:
    return likeness(identification(own), identification(other), other)


def fixes(own: str, other: str) -> dict[str, str]:
    """Return what is to be done, by field, of what has to be done at all."""
    return {one.field: one.fix for one in like(own, other).differences if one.hard}


def x() -> Tensor:
    return torch.randn(
        BATCH, ROWS, HEADS, LANES, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )


def cos_and_sin(lanes: int = LANES) -> tuple[Tensor, Tensor]:
    made = swaps.angles(ROWS, lanes)
    return made.cos(), made.sin()


def same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one.double(), other.double(), atol=1e-6)


def test_two_that_do_the_same_are_swapped_as_they_are() -> None:
    told_of_them = like("halves", "halves_again")
    assert told_of_them.swappable == "as it is"
    assert [one for one in told_of_them.differences if one.hard] == []


def permuted(own: str, other: str, weight: Tensor, rotary_dim: int) -> Tensor:
    """Carry out what is said of the projections' rows."""
    return carried_out(fixes(own, other)["pairing"], w=weight, heads=HEADS, head_dim=LANES)["w"]


def carried_out(code: str, **names: Any) -> dict[str, Any]:
    """Run what is said, and return what it made of these names."""
    exec(code, {"torch": torch}, names)
    return names


def scores(function: Any, weights: tuple[Tensor, Tensor], tables: tuple[Tensor, ...]) -> Tensor:
    """Return q k^T of projections by these weights (H * D, WIDE), rotated."""
    hidden = torch.randn(
        BATCH, ROWS, WIDE, generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    q, k = ((hidden @ weight.T).unflatten(-1, (HEADS, LANES)) for weight in weights)
    return torch.einsum("bqhd,bkhd->bhqk", function(q, *tables), function(k, *tables))


def weights() -> tuple[Tensor, Tensor]:
    both = torch.randn(
        2, HEADS * LANES, WIDE, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    return both[0], both[1]


@pytest.mark.parametrize(
    ("own", "other", "lanes"),
    [
        ("halves", "neighbours", LANES),
        ("neighbours", "halves", LANES),
        ("quarter_of_the_lanes", "quarter_of_the_lanes_in_neighbours", 16),
        ("quarter_of_the_lanes_in_neighbours", "quarter_of_the_lanes", 16),
    ],
)
def test_the_permutation_of_the_projections_keeps_the_scores(
    own: str, other: str, lanes: int
) -> None:
    """A model that was trained with the other one gives the same scores with this one."""
    assert like(own, other).swappable == "with changes"
    q, k = weights()
    moved = permuted(own, other, q, lanes), permuted(own, other, k, lanes)
    tables = cos_and_sin(lanes)
    expected = scores(getattr(swaps, other), (q, k), tables)
    assert same(scores(getattr(swaps, own), moved, tables), expected)
    assert not same(scores(getattr(swaps, own), (q, k), tables), expected)


def converted(steps: str, tables: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Carry out what is said of the tables: code in `cos` and `sin`, `table` or `angles`."""
    single = dict.fromkeys(("table", "angles"), tables[0])
    names = dict(zip(("cos", "sin"), tables)) if len(tables) == 2 else single
    before = dict(names)
    after = carried_out(steps, batch=BATCH, **names)
    changed = {name: value for name, value in after.items() if value is not before.get(name)}
    for name in ("table", "angles"):
        if name in changed:
            return (changed[name],)
    return after["cos"], after["sin"]


FORMS = {
    "halves": cos_and_sin(),
    "full_tables": tuple(torch.cat((t, t), -1) for t in cos_and_sin()),
    "complex_table": (torch.complex(*cos_and_sin()),),
    "stacked_table": (torch.stack(cos_and_sin(), -1),),
    "matrix_table": (
        torch.stack(
            (
                torch.stack((cos_and_sin()[0], -cos_and_sin()[1]), -1),
                torch.stack(cos_and_sin()[::-1], -1),
            ),
            -2,
        ),
    ),
    "angle_table": (swaps.angles(ROWS, LANES),),
    "tables_of_a_batch": tuple(t.expand(BATCH, -1, -1) for t in cos_and_sin()),
}


@pytest.mark.parametrize("other", FORMS)
@pytest.mark.parametrize("own", FORMS)
def test_the_conversion_of_tables_gives_equal_values(own: str, other: str) -> None:
    if own == other:
        assert "tables" not in fixes(own, other)
        return
    told_steps = fixes(own, other)["tables"]
    made, given = converted(told_steps, FORMS[other]), x()
    if "batch and rows as one axis" in told_steps:
        given = given.flatten(0, 1)[None]
    found = getattr(swaps, own)(given, *made).reshape(x().shape)
    assert same(found, getattr(swaps, other)(x(), *FORMS[other]))


@pytest.mark.parametrize("other", ["full_tables", "halves"])
def test_tables_for_neighbours_are_converted_beside_the_weights(other: str) -> None:
    """Each value twice where halves have it once, or one half behind the other."""
    assert set(fixes("tables_each_twice", other)) == {"pairing", "tables"}
    made = converted(fixes("tables_each_twice", other)["tables"], FORMS[other])
    q, k = weights()
    moved = (
        permuted("tables_each_twice", other, q, LANES),
        permuted("tables_each_twice", other, k, LANES),
    )
    expected = scores(getattr(swaps, other), (q, k), FORMS[other])
    assert same(scores(swaps.tables_each_twice, moved, made), expected)


def test_the_sign_that_is_told_turns_it_around() -> None:
    cos, sin = cos_and_sin()
    turned = carried_out(fixes("halves", "backwards")["direction"], sin=sin)["sin"]
    assert same(swaps.halves(x(), cos, turned), swaps.backwards(x(), cos, sin))


@pytest.mark.parametrize(
    ("own", "other"), [("halves", "rows_in_front"), ("rows_in_front", "halves")]
)
def test_the_transposition_that_is_told_is_right(own: str, other: str) -> None:
    before, _, behind = fixes(own, other)["layout"].partition("  # before the call, and ")
    given = x() if other == "halves" else x().transpose(0, 1)
    moved = carried_out(before, x=given)["x"]
    result = getattr(swaps, own)(moved, *cos_and_sin())
    back = carried_out(behind.removesuffix(" after it"), x=result, batch=BATCH)["x"]
    assert same(back, getattr(swaps, other)(given, *cos_and_sin()))


def test_arguments_in_another_order_are_told() -> None:
    assert fixes("halves", "sine_first") == {"arguments": "ours(x, cos, sin)"}
    cos, sin = cos_and_sin()
    assert same(swaps.halves(x(), cos, sin), swaps.sine_first(x(), sin, cos))


def difference(own: str, other: str, field: str) -> Difference:
    return next(one for one in like(own, other).differences if one.field == field)


def test_another_theta_is_told() -> None:
    theta = difference("counting", "counting_by_another_theta", "theta")
    assert ("10000" in theta.own, "500000" in theta.other, theta.hard) == (True, True, True)


def test_what_counts_rows_by_itself_cannot_take_positions() -> None:
    """Dropping the argument would rotate every step of decoding as position 0."""
    told_of_it = like("counting", "at_positions")
    assert told_of_it.swappable in ("with changes", "no")
    assert any("position" in f"{one.field} {one.fix}" for one in told_of_it.differences if one.hard)


@pytest.mark.parametrize(("own", "other"), [("both_wrong", "halves"), ("halves", "both_wrong")])
def test_what_is_wrong_in_itself_takes_nobodys_place(own: str, other: str) -> None:
    assert like(own, other).swappable == "no"


def test_one_that_was_not_identified_says_why() -> None:
    missing = replace(
        identification("halves"),
        convention=None,
        message="not on this machine: it is not installed",
    )
    told_of_it = likeness(identification("halves"), missing, "theirs")
    assert told_of_it.swappable == "unknown"
    assert [one.fix for one in told_of_it.differences] == [
        "not on this machine: it is not installed"
    ]


@pytest.mark.parametrize(("own", "other"), [("make_tables", "halves"), ("halves", "make_tables")])
def test_what_makes_tables_takes_no_place_of_what_applies_them(own: str, other: str) -> None:
    assert like(own, other).swappable == "no"


def test_builders_are_held_against_each_other() -> None:
    cos, sin = swaps.make_tables(LANES, ROWS)
    made = converted(fixes("make_tables", "make_complex")["tables"], (cos, sin))
    assert same(made[0].real, swaps.make_complex(LANES, ROWS).real)


@pytest.mark.parametrize("other", ["halves", "rows_in_front"])
def test_another_layout_is_never_swapped_silently(other: str) -> None:
    """One that only asks that tables line up takes (B, S, H, D) with other tables than these."""
    told_of_it = like("heads_in_front", other)
    assert told_of_it.swappable == "with changes"
    assert {"layout", "tables"} & {one.field for one in told_of_it.differences if one.hard}


def test_fewer_lanes_are_never_swapped_silently() -> None:
    told_of_it = like("quarter_of_the_lanes", "halves")
    assert told_of_it.swappable != "as it is"


def test_the_text_of_a_change_needs_no_letters_of_axes() -> None:
    for own, other in ((own, other) for own in FORMS for other in FORMS):
        for one in like(own, other).differences:
            assert re.search(r"\baxes [bs1w3]+\b", f"{one.own} {one.other} {one.fix}") is None
