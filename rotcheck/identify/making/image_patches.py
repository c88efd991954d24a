"""Makers of tables for the patches of an image or a film, which they are handed: how patches turn along each side."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.identify.angles.frequency_fit import Fit, fit
from rotcheck.identify.angles.measured_angles import Angles, wrap
from rotcheck.identify.calling.templates import parameters
from rotcheck.identify.making import table_calls
from rotcheck.identify.making.table_calls import Recipe
from rotcheck.identify.making.table_forms import Built
from rotcheck.rotary.schedules import Schedule

SMALL = {"bcthw": (2, 3, 5), "bchw": (3, 5)}  # patches along each side, all different
LARGE = {"bcthw": (11, 17, 23), "bchw": (37, 53)}
SIDES = {3: ("frame", "row", "column"), 2: ("row", "column")}
ALIKE = 1e-4  # radians
STILL = 1e-6  # radians: what the same table entry is read with
_IMAGE = re.compile(
    r"x|hidden_states?|pixel_values(_videos)?|latents?|images?|videos?|sample|inputs?|tensor"
)
_PATCHES = ("patch_size", "patch_sizes", "p_size")


@dataclass(frozen=True, slots=True)
class Sides:
    """How the pairs of patches turn: with which side, and how fast along it."""

    owners: tuple[int, ...]  # of each pair the side that it turns with
    fits: tuple[Fit, ...]  # of the pairs of each side, each frequency once
    twice: bool  # the lanes of a side hold its frequencies twice
    begins: float  # radians that the first patch turns already

    @property
    def frequencies(self) -> Tensor:
        """The frequency of each pair (P,), in radians for each step along its side."""
        whole = torch.zeros(len(self.owners), dtype=torch.float64)
        for side, one in enumerate(self.fits):
            whole[torch.tensor(self.owners) == side] = one.frequencies.repeat(1 + self.twice)
        return whole


def find(function: Callable[..., Any], device: torch.device) -> tuple[Recipe, Built] | None:
    """Return how a function makes a row for each patch of an image or a film that it is handed; None: it does not."""
    for recipe in _recipes(function, device):
        try:
            made = table_calls.few(function, recipe)
        except Exception:  # no image of such axes and patches, or it gives back no tables
            continue
        return recipe, made
    return None


def _recipes(function: Callable[..., Any], device: torch.device) -> Iterator[Recipe]:
    required = [one for one in parameters(function) or () if one.required]
    if len(required) != 1 or not _IMAGE.fullmatch(required[0].name.lower()):
        return
    for axes, sides in SMALL.items():
        for patch in _patches(getattr(function, "__self__", function), len(sides)):
            yield Recipe(("x",), "image", axes, str(device), sides=sides, patch=patch)


def _patches(owner: Any, sides: int) -> Iterator[tuple[int, ...]]:
    """Yield how many elements a patch may have along each side, by what an object says."""
    sources = (owner, getattr(owner, "config", None))
    told = [getattr(each, name, None) for each in sources for name in _PATCHES]
    frames = next(
        (n for each in sources if isinstance(n := getattr(each, "patch_size_t", None), int)), 1
    )
    for size in (one for one in told if one is not None):
        if isinstance(size, int):
            yield (frames, size, size)[-sides:]
        elif isinstance(size, (tuple, list)) and all(isinstance(one, int) for one in size):
            yield (frames, *size)[-sides:] if len(size) <= sides else tuple(size[-sides:])
    yield (1,) * sides


def of_sides(
    function: Callable[..., Any],
    recipe: Recipe,
    built: Built,
    noise: float,
    known: Sequence[Schedule],
) -> Sides | str:
    """Return how the pairs of its patches turn, or in words why that is not understood."""
    larger = replace(recipe, sides=LARGE[recipe.x_axes])
    try:
        more = table_calls.few(function, larger)
    except Exception:  # it takes no image as large as this
        larger, more = recipe, built
    owners = _owners(more.angles, larger.sides)
    if owners is None:
        return _laid_out(more.angles, larger.sides)
    if -1 in owners:
        return f"pair {owners.index(-1)} turns with no side of the image"
    lines = _lines(more.angles, larger.sides)
    if not all(_alike(one, two) for one, two in zip(_lines(built.angles, recipe.sides), lines)):
        return "the angles of a patch follow the size of the image, not its place alone"
    groups = [
        (torch.tensor(owners) == side).nonzero().flatten() for side in range(len(recipe.sides))
    ]
    doubled = all(twice(line, group) for line, group in zip(lines, groups) if len(group))
    fits = []
    for line, group in zip(lines, groups):
        once = group[: len(group) // 2] if doubled else group
        turned = {place: angles[once] for place, angles in line.items()}
        fits.append(fit(turned, 1, 2 * len(once), noise, known))
    return Sides(owners, tuple(fits), doubled, float(built.angles[0].abs().max()))


def _owners(angles: Tensor, sides: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the side that each pair turns with, -1 where it stands still; None: some pair turns with several."""
    moving = torch.stack([~still for still in _still(angles, sides)])  # (sides, P)
    if bool((moving.sum(0) > 1).any()) or not bool(moving.any(1).all()):
        return None
    return tuple(torch.where(moving.any(0), moving.int().argmax(0), -1).tolist())


def _still(angles: Tensor, sides: tuple[int, ...]) -> Iterator[Tensor]:
    """Yield for each side which pairs (P,) turn alike all along it."""
    grid = angles.reshape(*sides, -1)  # (*sides, P)
    for side in range(len(sides)):
        off = wrap(grid - grid.narrow(side, 0, 1)).abs()
        yield off.flatten(0, -2).amax(0) < STILL


def _laid_out(angles: Tensor, sides: tuple[int, ...]) -> str:
    names = SIDES[len(sides)]
    for order in itertools.permutations(range(len(sides))):
        if _owners(angles, tuple(sides[side] for side in order)) is not None:
            laid = ", ".join(f"{names[side]}s" for side in order)
            return f"its rows are the patches laid out as ({laid}), and not as it is handed them"
    return "some pair turns with several sides of the image, or one side turns none"


def _lines(angles: Tensor, sides: tuple[int, ...]) -> list[Angles]:
    """Return the angles along each side, at the beginning of the others."""
    grid = angles.reshape(*sides, -1)
    lines = []
    for side, length in enumerate(sides):
        line = grid
        for _ in range(side):
            line = line[0]
        while line.dim() > 2:
            line = line[:, 0]
        lines.append({place: line[place] for place in range(length)})
    return lines


def _alike(few: Angles, more: Angles) -> bool:
    return all(float(wrap(few[at] - more[at]).abs().max()) < ALIKE for at in few if at in more)


def twice(line: Angles, group: Tensor) -> bool:
    """Return whether the second half of a side's lanes turns as the first does."""
    half = len(group) // 2
    return half > 0 and all(
        bool((angles[group[:half]] - angles[group[-half:]]).abs().max() < 1e-5)
        for angles in line.values()
    )
