"""Places in a grid, read from angles whichever way the rows are ordered."""

import pytest
import torch
from torch import Tensor

from rotcheck.model.angle_mistakes import angle_mistake
from rotcheck.model.grid_coordinates import grid_coordinates
from rotcheck.model.turn_angles import noise_of
from rotcheck.model.turn_fit import fit_rows
from rotcheck.rotary import inverse_frequencies
from rotcheck.rotary.frequencies import wrap

H, W = 4, 6


def _grid(*sides: int) -> Tensor:
    return torch.cartesian_prod(*(torch.arange(side) for side in sides)).double()  # (N, A)


def _angles(places: Tensor) -> Tensor:
    frequencies = inverse_frequencies(16)  # (8,)
    return torch.cat([place[:, None] * frequencies for place in places.unbind(-1)], -1)


def _merged() -> Tensor:
    """The squares of an image, four by four neighbours."""
    return _grid(H, W).reshape(H // 2, 2, W // 2, 2, 2).transpose(1, 2).reshape(-1, 2)


ORDERS = {
    "rows": _grid(H, W),
    "columns": _grid(W, H).flip(-1),
    "neighbours": _merged(),
    "windows": _grid(H, W).reshape(H, 2, W // 2, 2).transpose(0, 1).reshape(-1, 2),
    "any": _grid(H, W)[torch.randperm(H * W, generator=torch.Generator().manual_seed(1))],
    "films": _grid(2, H, W),
    "between -1 and 1": (_grid(H, W) + 0.5) / torch.tensor([H, W]) * 2 - 1,
}


@pytest.mark.parametrize("order", list(ORDERS))
def test_rows_in_any_order_are_placed(order: str) -> None:
    angles = _angles(ORDERS[order])
    grid = grid_coordinates(torch.remainder(angles + 3, 6.283185307179586) - 3, 1e-4)
    assert grid is not None
    assert sorted(grid.sides) == sorted(int(n) for n in (2, H, W) if order == "films" or n != 2)
    assert float(wrap(grid.truth - angles).abs().max()) < 1e-4


def test_images_one_behind_the_other_and_a_class_token_are_understood() -> None:
    two = grid_coordinates(_angles(torch.cat((_merged(), _merged()))), 1e-4)
    assert two is not None
    assert (two.copies, two.alone) == (2, 0)
    with_token = torch.cat((torch.zeros(1, 16, dtype=torch.float64), _angles(_merged() + 1)))
    grid = grid_coordinates(with_token, 1e-4)
    assert grid is not None
    assert (grid.copies, grid.alone) == (1, 1)


def test_a_class_token_with_angles_of_its_own_stands_in_front() -> None:
    token = torch.linspace(0.1, 2, 16, dtype=torch.float64)[None]
    grid = grid_coordinates(torch.cat((token, _angles(_merged()))), 1e-4)
    assert grid is not None
    assert (grid.front, sorted(grid.sides)) == (1, [H, W])


WORDS = torch.arange(7).double()[:, None]
IMAGE = torch.cat((torch.full((H * W, 1), 9.0).double(), _grid(H, W)), 1)  # (N, 3)


@pytest.mark.parametrize("axes", [[1, 0, 0], [1, 1, 1]], ids=["time", "all axes"])
@pytest.mark.parametrize("behind", [False, True])
def test_a_text_beside_an_image_is_a_line(axes: list[int], behind: bool) -> None:
    text = WORDS * torch.tensor(axes)
    places = torch.cat((IMAGE, text) if behind else (text, IMAGE))
    grid = grid_coordinates(_angles(places), 1e-4)
    assert grid is not None
    assert (grid.line, grid.alone, sorted(grid.sides)) == (7, 0, [H, W])
    assert float(wrap(grid.truth - _angles(places)).abs().max()) < 1e-4
    assert grid.steps.sides == (H, W)
    places[11] += 1
    assert grid_coordinates(_angles(places), 1e-4) is None


def test_a_text_and_a_sound_are_lines_on_both_sides_of_an_image() -> None:
    grid = grid_coordinates(
        _angles(torch.cat((WORDS.repeat(1, 3), IMAGE, WORDS.repeat(1, 3)))), 1e-4
    )
    assert grid is not None
    assert (grid.line, sorted(grid.sides)) == (14, [H, W])


def test_a_text_that_stands_still_is_beside_the_grid() -> None:
    grid = grid_coordinates(_angles(torch.cat((_grid(H, W), torch.zeros(39, 2)))), 1e-4)
    assert grid is not None
    assert grid.alone == 39


def test_the_slow_pairs_of_a_narrow_dtype_hide_no_grid() -> None:
    places, frequencies = _merged(), inverse_frequencies(64)  # (32,)
    angles = torch.cat([place[:, None] * frequencies for place in places.unbind(-1)], -1)
    generator = torch.Generator().manual_seed(2)
    noise = 0.002 * (2 * torch.rand(angles.shape, generator=generator, dtype=torch.float64) - 1)
    fit = fit_rows((angles + noise)[None], noise_of(torch.bfloat16), None, 128)
    assert fit.words == "by place in a grid of 4 x 6"
    assert fit.steps is not None
    clear = fit.steps.axes >= 0
    assert int(clear.sum()) > 20
    assert torch.equal(fit.steps.axes[clear], torch.arange(2).repeat_interleave(32)[clear])
    shuffled = angles[:, torch.randperm(64, generator=generator)] * torch.rand(64) * 3
    assert fit_rows((shuffled**2 + noise)[None], noise_of(torch.bfloat16), None, 128).kind == "none"


def test_angles_that_were_rounded_to_a_narrow_dtype_are_no_grid() -> None:
    places, frequencies = _grid(32, 32), inverse_frequencies(32)  # (16,)
    angles = torch.cat([place[:, None] * frequencies for place in places.unbind(-1)], -1)
    fits = [
        fit_rows(x[None], noise_of(torch.bfloat16), None, 64)
        for x in (angles, angles.bfloat16().double())
    ]
    assert [fit.kind for fit in fits] == ["grid", "none"]


def test_a_column_that_begins_again_is_not_the_end_of_a_table() -> None:
    steps = inverse_frequencies(16)
    for length, right in ((60, None), (62, "row-past-table")):
        column = (torch.arange(length) % 5)[:, None] * steps  # (S, 8)
        mistake = angle_mistake(
            column[None], 1e-4, None, lambda rows, at: fit_rows(rows, 1e-4, at, 16)
        )
        assert (mistake and mistake[0]) == right


def test_what_fills_no_grid_is_not_understood() -> None:
    places = _merged()
    twice = places.clone()
    twice[5] = twice[4]
    bent = _angles(places)
    bent[7, 3] += 0.2
    noise = torch.rand(24, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    lines = torch.cat(
        (WORDS * torch.tensor([1, 0]), WORDS.new_zeros(8, 2), WORDS * torch.tensor([0, 1]))
    )
    for angles in (
        _angles(twice),
        _angles(lines),
        bent,
        noise,
        torch.zeros(24, 16, dtype=torch.float64),
    ):
        assert grid_coordinates(angles, 1e-4) is None
