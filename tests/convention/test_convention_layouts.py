"""A layout, said once by its axes: what is read off them,
and the code that makes one of another."""

import subprocess
import sys

import pytest
import torch

from rotcheck.convention import LAYOUTS, lay, unlay

BATCH, ROWS, HEADS, WIDTH = 2, 3, 4, 6
APART = [name for name, layout in LAYOUTS.items() if not layout.is_packed]
CONVERTED = [name for name in APART if name != "sd"]


def tensor(name: str) -> torch.Tensor:
    """A tensor (B, S, [3,] H, D) in which no two elements are equal;
    axes that the layout lacks are 1."""
    axes = LAYOUTS[name].apart
    slots = (3,) if "3" in axes else ()
    sizes = (BATCH if "b" in axes else 1, ROWS, *slots, HEADS if "h" in axes else 1, WIDTH)
    return torch.arange(torch.Size(sizes).numel()).reshape(sizes)


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_laid_out_is_read_back(name: str) -> None:
    axes = LAYOUTS[name].axes
    assert torch.equal(unlay(lay(tensor(name), axes), axes, WIDTH), tensor(name))


@pytest.mark.parametrize("name", CONVERTED)
def test_the_code_that_enters_and_leaves_a_layout_does_what_lay_does(name: str) -> None:
    layout, whole = LAYOUTS[name], tensor(name)
    x = lay(whole, layout.axes)
    entered = eval(f"x{layout.code_to_bshd()}", {"x": x, "width": WIDTH})
    assert torch.equal(entered, whole)
    assert torch.equal(eval(f"x{layout.code_from_bshd()}", {"x": entered}), x)


@pytest.mark.parametrize("name", ["sd", "qkv", "bsh(3d)"])
def test_nothing_makes_four_axes_of_one_head_or_of_what_is_packed(name: str) -> None:
    assert LAYOUTS[name].code_to_bshd() is None
    assert LAYOUTS[name].code_from_bshd() is None


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout.slots])
def test_each_slot_of_a_packed_layout_has_the_layout_that_it_says(name: str) -> None:
    layout, axis = LAYOUTS[name].slots
    whole = tensor(name)
    q = lay(whole, LAYOUTS[name].axes).unbind(axis)[0]
    assert torch.equal(unlay(q, layout.axes, WIDTH), whole[:, :, 0])


def test_a_layout_with_slots_and_lanes_in_one_axis_has_no_slot_to_take_out() -> None:
    assert LAYOUTS["bsh(3d)"].slots is None


def test_axes_that_are_two_in_one() -> None:
    assert [name for name in LAYOUTS if LAYOUTS[name].joins_rows] == ["thd", "t(hd)", "t3hd"]
    assert [name for name in LAYOUTS if LAYOUTS[name].joins_heads] == ["hsd", "bsd"]


def test_a_layout_as_a_shape() -> None:
    assert LAYOUTS["qkv"].shape == "(B, S, 3, H, D)"
    assert LAYOUTS["t(hd)"].shape == "(S, H*D)"


def test_conventions_are_told_without_torch() -> None:
    code = "import sys, rotcheck.convention; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
