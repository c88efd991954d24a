"""Makers of tables for the patches of an image or film that they are handed."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.identify.angles.frequency_fit import Fit, fit_schedule
from rotcheck.identify.angles.measured_angles import Angles, repeats
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.making.grid_layout import SAME_ANGLE
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.pair_owners import moves_along, owners_of
from rotcheck.identify.making.point_tables import MakerMatch
from rotcheck.identify.making.returned_tables import tables_or_none
from rotcheck.identify.making.table_reading import RotaryTables
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.schedules import Schedule

SMALL = {"bcthw": (2, 3, 5), "bchw": (3, 5)}  # patches along each side, all different
LARGE = {"bcthw": (11, 17, 23), "bchw": (37, 53)}
SIDES = {3: ("frame", "row", "column"), 2: ("row", "column")}
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
    doubles: bool  # the lanes of a side hold its frequencies twice
    first_angle: float  # radians that the first patch turns already

    @property
    def frequencies(self) -> Tensor:
        """The frequency of each pair (P,), in radians for each step along its side."""
        whole = torch.zeros(len(self.owners), dtype=torch.float64)
        for side, side_fit in enumerate(self.fits):
            whole[torch.tensor(self.owners) == side] = side_fit.frequencies.repeat(1 + self.doubles)
        return whole


def find(function: Callable[..., Any], device: torch.device) -> MakerMatch | None:
    """How a function makes a row for each patch that it is handed; None: it does not."""
    calls = ((call, tables_or_none(function, call)) for call in _calls(function, device))
    return next(((call, tables) for call, tables in calls if tables is not None), None)


def _calls(function: Callable[..., Any], device: torch.device) -> Iterator[MakerCall]:
    needs = [parameter for parameter in parameters(function) or () if parameter.mandatory]
    if len(needs) != 1 or not _IMAGE.fullmatch(needs[0].name.lower()):
        return
    for axes, sides in SMALL.items():
        for patch in _patches(getattr(function, "__self__", function), len(sides)):
            yield MakerCall(("x",), "image", axes, str(device), sides=sides, patch=patch)


def _patches(owner: Any, sides: int) -> Iterator[tuple[int, ...]]:
    """How many elements a patch may have along each side, by what an object says."""
    sources = (owner, getattr(owner, "config", None))
    sizes = [getattr(source, name, None) for source in sources for name in _PATCHES]
    frame_sizes = (getattr(source, "patch_size_t", None) for source in sources)
    frames = next((size for size in frame_sizes if isinstance(size, int)), 1)
    for size in sizes:
        if isinstance(size, int):
            yield (frames, size, size)[-sides:]
        elif isinstance(size, (tuple, list)) and all(isinstance(part, int) for part in size):
            yield (frames, *size)[-sides:] if len(size) <= sides else tuple(size[-sides:])
    yield (1,) * sides


def pairs_of_sides(
    function: Callable[..., Any],
    call: MakerCall,
    tables: RotaryTables,
    noise: float,
    schedules: Sequence[Schedule],
) -> Sides | str:
    """How the pairs of its patches turn, or in words why that is not understood."""
    larger = replace(call, sides=LARGE[call.x_axes])
    more = tables_or_none(function, larger)
    if more is None:  # it takes no image as large as this
        larger, more = call, tables
    owners = owners_of(moves_along(more.angles, larger.sides, STILL))
    if owners is None:
        return _order_of_patches(more.angles, larger.sides)
    if -1 in owners:
        return f"pair {owners.index(-1)} turns with no side of the image"
    lines = _lines(more.angles, larger.sides)
    if not all(map(_alike, _lines(tables.angles, call.sides), lines)):
        return "the angles of a patch follow the size of the image, not its place alone"
    groups = [(torch.tensor(owners) == side).nonzero().flatten() for side in range(len(call.sides))]
    doubles = all(repeats(line, group) for line, group in zip(lines, groups) if len(group))
    fits = []
    for line, group in zip(lines, groups):
        once = group[: len(group) // 2] if doubles else group
        angles = {place: row[once] for place, row in line.items()}
        fits.append(fit_schedule(angles, 1, 2 * len(once), noise, schedules))
    return Sides(owners, tuple(fits), doubles, float(tables.angles[0].abs().max()))


def _order_of_patches(angles: Tensor, sides: tuple[int, ...]) -> str:
    """In which order of the sides the patches lie, in words, if they lie in another one."""
    names = SIDES[len(sides)]
    for order in itertools.permutations(range(len(sides))):
        lengths = [sides[side] for side in order]
        if owners_of(moves_along(angles, lengths, STILL)) is not None:
            words = ", ".join(f"{names[side]}s" for side in order)
            return f"its rows are the patches laid out as ({words}), and not as it is handed them"
    return "some pair turns with several sides of the image, or one side turns none"


def _lines(angles: Tensor, sides: tuple[int, ...]) -> list[Angles]:
    """The angles along each side, at the beginning of the others."""
    grid = angles.reshape(*sides, -1)  # (*sides, P)
    return [
        dict(enumerate(grid[tuple(slice(None) if at == side else 0 for at in range(len(sides)))]))
        for side in range(len(sides))
    ]


def _alike(few: Angles, more: Angles) -> bool:
    return all(float(wrap(few[at] - more[at]).abs().max()) < SAME_ANGLE for at in few if at in more)
