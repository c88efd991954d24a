"""Angles of grids, patches and points, made by hand: which pairs turn with which side."""

import pytest
import torch
from torch import Tensor

from rotcheck.identify.angles import measured_angles
from rotcheck.identify.angles.object_sections import first_pair, sections_of
from rotcheck.identify.asking.table_sections import departure
from rotcheck.identify.making import grid_layout, mrope_tables, point_tables
from rotcheck.identify.making.grid_calls import side_names, table_layout
from rotcheck.identify.making.grid_layout import HIGH, WIDE, PatchGrid, layout_of, why_no_layout
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.pair_owners import moves_along, owners_of
from rotcheck.identify.making.table_description import in_blocks
from rotcheck.identify.making.table_reading import RotaryTables, read_tables
from rotcheck.results import Description

FREQUENCIES = torch.tensor([1.0, 0.1], dtype=torch.float64)


def _grid(high: int, wide: int) -> Tensor:
    """The angles (high * wide, 4) of a grid, two pairs with the row and two with the column."""
    rows = torch.arange(high, dtype=torch.float64).repeat_interleave(wide)[:, None] * FREQUENCIES
    columns = torch.arange(wide, dtype=torch.float64).repeat(high)[:, None] * FREQUENCIES
    return torch.cat((rows, columns), -1)


def test_a_grid_is_laid_row_after_row() -> None:
    layout = layout_of(_grid(HIGH, WIDE))
    assert layout == PatchGrid((0, 1), (2, 3), sides_swapped=False)
    assert layout.words == "pairs 0 to 1 with the row, 2 to 3 with the column of a square"
    assert grid_layout.of_exchange(layout) == []


def test_a_grid_as_wide_as_it_should_be_high_is_exchanged() -> None:
    layout = layout_of(_grid(WIDE, HIGH))
    assert layout is not None
    assert layout.sides_swapped
    (finding,) = grid_layout.of_exchange(layout)
    assert finding.code == "grid-exchanged"
    assert finding.mistake


def test_angles_of_places_in_a_row_are_no_grid() -> None:
    places = torch.arange(HIGH * WIDE, dtype=torch.float64)[:, None] * FREQUENCIES
    assert layout_of(places) is None
    assert why_no_layout(places).startswith("its squares are laid out neither row after row")


def test_a_side_that_turns_no_pair_is_named() -> None:
    rows = _grid(HIGH, WIDE)[:, :2]
    assert layout_of(rows) is None
    assert why_no_layout(rows).startswith("the column of a square turns no pair")


def make_grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    """The tables of a grid's squares."""
    angles = _grid(height, width)
    return angles.cos(), angles.sin()


def make_transposed_grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    """The tables of a grid with its sides mixed up."""
    return make_grid(width, height)


def make_rows(length: int, width: int) -> Tensor:
    """Told one side alone."""
    return torch.zeros(length, width)


def test_a_function_is_called_for_a_grid_by_the_names_of_its_sides() -> None:
    call = MakerCall(("S", "S"), "length")
    assert side_names(make_grid) == ("height", "width")
    assert side_names(make_rows) == ()
    assert table_layout(make_grid, call) == PatchGrid((0, 1), (2, 3), sides_swapped=False)
    layout = table_layout(make_transposed_grid, call)
    assert isinstance(layout, PatchGrid)
    assert layout.sides_swapped


def _patches(sides: tuple[int, ...]) -> Tensor:
    """The angles of patches (product of sides, 2 * len(sides)), two pairs for each side."""
    grids = torch.meshgrid(*(torch.arange(float(side)) for side in sides), indexing="ij")
    return torch.cat([grid.double().flatten()[:, None] * FREQUENCIES for grid in grids], -1)


def owners(angles: Tensor, sides: tuple[int, ...]) -> tuple[int, ...] | None:
    return owners_of(moves_along(angles, sides, 1e-6))


def test_each_pair_of_a_patch_belongs_to_the_side_that_it_turns_with() -> None:
    sides = (2, 3, 5)
    assert owners(_patches(sides), sides) == (0, 0, 1, 1, 2, 2)
    still = torch.cat((_patches(sides), torch.zeros(30, 1)), -1)
    assert owners(still, sides) == (0, 0, 1, 1, 2, 2, -1)


def test_patches_in_another_order_have_no_owners() -> None:
    assert owners(_patches((2, 3, 5)), (5, 3, 2)) is None


def test_a_side_whose_second_half_repeats_the_first_is_seen() -> None:
    line = {place: torch.tensor([1.0, 0.1, 1.0, 0.1]) * place for place in range(3)}
    assert measured_angles.repeats(line, torch.arange(4))
    assert not measured_angles.repeats(line, torch.tensor([0, 1]))


def make_points(positions: Tensor) -> tuple[Tensor, Tensor]:
    """Tables of points (S, 2), one pair with the first coordinate and one with the second."""
    angles = positions.double() * torch.tensor([1.0, 0.5], dtype=torch.float64)
    return angles.cos(), angles.sin()


def make_sums(positions: Tensor) -> tuple[Tensor, Tensor]:
    """Tables of points (S, 2) whose coordinates are added up."""
    angles = positions.double().sum(-1, keepdim=True) * FREQUENCIES
    return angles.cos(), angles.sin()


def test_each_pair_of_a_point_belongs_to_the_coordinate_that_it_turns_with() -> None:
    call = MakerCall(("positions",), "given", point_axes="sc", coordinates=2)
    assert point_tables.owners(make_points, call) == (0, 1)
    assert point_tables.owners(make_sums, call) is None


def _tables(pairs: int) -> RotaryTables:
    angles = torch.arange(3, dtype=torch.float64)[:, None] * torch.linspace(
        1, 0.1, pairs, dtype=torch.float64
    )
    return read_tables((angles.cos(), angles.sin()), 3)


def test_the_likeliest_points_fill_a_head_or_have_the_fewest_coordinates() -> None:
    makers = [
        (MakerCall(("positions",), "given", coordinates=count), _tables(pairs))
        for count, pairs in ((2, 4), (3, 6), (4, 20))
    ]
    assert point_tables.likeliest(makers, 6)[0].coordinates == 3
    assert point_tables.likeliest(makers, None)[0].coordinates == 2


class Sections:
    """An object with M-RoPE's sections."""

    def __init__(self, mrope_section: tuple[int, ...] = (2, 3, 3)) -> None:
        self.mrope_section = list(mrope_section)

    def forward(self, positions: Tensor) -> Tensor:
        """Whatever it makes of positions (3, B, S)."""
        return positions


def test_sections_are_read_off_an_object() -> None:
    assert sections_of(Sections().forward) == (2, 3, 3)
    assert [first_pair(Sections().forward, axis) for axis in range(3)] == [0, 2, 5]
    assert sections_of(make_points) == ()


def test_other_numbers_of_pairs_than_an_object_says_contradict_it() -> None:
    assert mrope_tables.contradiction(Sections().forward, (0, 0, 1, 1, 1, 2, 2, 2)) is None
    words = mrope_tables.contradiction(Sections().forward, (0, 0, 0, 0, 1, 1, 2, 2))
    assert (
        words == "it says sections of 2, 3, 3 pairs, and 4, 2, 2 turn with time, height and width"
    )


@pytest.mark.parametrize(
    ("owners", "in_halves", "words"),
    [
        ([0, 1, 2, 0], True, "lane 0 takes its angle from the table of time, its partner 2 from"),
        ([0, 1, 0, 1], False, "lane 0 takes its angle from the table of time, its partner 1 from"),
        ([1, 0, 1, 0], True, "takes the angles of its pairs from the tables of height, time:"),
        ([-1, -1], True, "takes the angles of its pairs from the tables of no axis or several:"),
    ],
)
def test_sections_that_depart_are_put_in_words(
    owners: list[int], in_halves: bool, words: str
) -> None:
    assert departure(owners, in_halves=in_halves).startswith(words)


def test_rows_of_each_coordinate_that_repeat_become_blocks() -> None:
    convention = Description(
        kind="builds", coordinates=(0, 0, 0, 0, 1, 1, 1, 1), frequencies=(4, 3, 4, 3, 2, 1, 2, 1)
    )
    blocks = in_blocks(convention, 2)
    assert (blocks.tables, blocks.table_lanes, blocks.blocks) == ("repeated", "half", 2)
    assert blocks.coordinates == (0, 0, 1, 1)
    assert blocks.frequencies == (4, 3, 2, 1)
    assert blocks.rotary_dim == 8
