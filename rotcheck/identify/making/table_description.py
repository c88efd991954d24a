"""Functions and modules that make tables: which tables, of which angles, and how far they are right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from msgspec import structs

from rotcheck.convention import Convention, shape
from rotcheck.convention.vocabulary import said
from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.coordinate_frequencies import Axes, of_axes, spans
from rotcheck.identify.angles.frequency_fit import Fit, fit
from rotcheck.identify.angles.grid_frequencies import Lay, of_side
from rotcheck.identify.angles.measured_angles import NEAR, PROBE_POSITIONS, Angles, same_row
from rotcheck.identify.angles.object_config import ObjectConfig, config_of, layers_differ
from rotcheck.identify.angles.own_angles import OwnAngles, add_offset, add_schedule, no_end
from rotcheck.identify.angles.schedule_faults import (
    amplitude_missing,
    length_change,
    long_factors,
    not_dynamic,
)
from rotcheck.identify.making import grid_squares, image_patches, mrope_tables, table_calls
from rotcheck.identify.making.position_arguments import (
    SURELY_OFFSET,
    Heeded,
    begins_at,
    of_arguments,
    other_layers,
)
from rotcheck.identify.making.table_calls import STILL, Recipe, owners
from rotcheck.identify.making.table_forms import Built
from rotcheck.identify.making.table_precision import rounded_tables
from rotcheck.identify.remarks import remark
from rotcheck.identify.telling.maker_snippet import snippet
from rotcheck.results import Described, Remark, Told
from rotcheck.rotary.schedules import Plain

ROUNDINGS = 8  # by which the same row may differ in tables of different length
MOST_ROWS = 4097  # of one that makes all rows up to a position; `rotcheck context` goes on


@dataclass(frozen=True, slots=True)
class Made:
    """What a maker of tables does, and what its angles say."""

    described: Described
    own: OwnAngles
    evidence: tuple[Told, ...]
    untried: tuple[str, ...] = ()  # arguments


def of_maker(
    function: Callable[..., Any],
    recipe: Recipe,
    built: Built,
    on_cpu: Callable[..., Any] | None = None,
    built_as: str | None = None,
) -> Made:
    """Describe the tables that a function makes.

    `on_cpu`: the same function for the CPU, where the end of its table is looked for when it lives on another device.
    `built_as`: how it was made of a class.
    """
    own = OwnAngles(
        Convention(pairing=built.table_lanes or "half", layout="bshd", tables=built.form), ()
    )
    if recipe.sides:
        return _of_image(function, recipe, built, own)
    if built.grid:
        return _of_grid(function, recipe, built, own)
    heeded = of_arguments(function, recipe, built, built_as)
    own.remarks += [*heeded.remarks, *rounded_tables(function, recipe, built, built_as)]
    angles = (
        dict(enumerate(built.angles))
        if built.ignores
        else _at_positions(function, recipe, built, own, on_cpu, built_as)
    )
    known = config_of(function)
    noise = 2 * torch.finfo(_real(built.dtype)).eps
    turning = owners(function, recipe) if recipe.coordinates else None
    axes = of_axes(angles, turning, noise, known.schedules()) if turning else None
    made = axes.fit if axes else fit(angles, 1, 2 * built.cos.shape[-1], noise, known.schedules())
    own.longest = made.longest
    add_schedule(own, made, max(angles))
    late = add_offset(own, angles, made, 1)
    if late > 0:
        _tell_begin(own, heeded, begins_at(function, recipe), late)
    _tell_amplitude(own, built, made, known)
    if recipe.coordinates and not turning:
        own.remarks += mrope_tables.idle(function, recipe, built_as)
    _tell_contradiction(own, mrope_tables.contradiction(function, turning))
    lanes = None if recipe.coordinates or _told_width(recipe) else 2 * made.turning
    _tell_contradiction(own, contradiction(made, known, lanes, max(angles)))
    changes = any(one.code == "by-length" for one in own.remarks)
    own.remarks += [*long_factors(made), *([] if changes else not_dynamic(known, max(angles)))]
    described = _described(recipe, built, own, made)
    if turning and axes:
        described = structs.replace(described, coordinates=turning)
        described = _in_blocks(described, axes) if axes.twice else described
        _tell_points(own, described.coordinates, axes.rows)
        described = structs.replace(described, schedule=own.schedule)
    layers = dict(_of_other_layers(function, recipe, noise, known))
    alike = [
        argument
        for argument, one in layers.items()
        if one.says == f"{own.schedule} with {argument}"
    ]
    if alike and layers_differ(function):
        own.doubt = own.doubt or (
            f"`{alike[0].partition('=')[0]}` changes nothing: it keeps other frequencies for layers of another kind, "
            f"and turns all by those of {own.schedule}"
        )
    evidence = (*_evidence(recipe, built, own), *layers.values(), *heeded.evidence)
    return Made(described, own, evidence, tuple(one for one in heeded.untried if one not in layers))


def _of_other_layers(
    function: Callable[..., Any], recipe: Recipe, noise: float, known: ObjectConfig
) -> Iterator[tuple[str, Told]]:
    """Yield each argument that asks for the layers of another kind, and which schedule these have."""
    for argument, other in other_layers(function, recipe).items():
        try:
            made = table_calls.few(function, other)
            apart = OwnAngles(Convention("half", "bshd", made.form), ())
            angles = _at_positions(function, other, made, apart, None, None)
        except Exception:  # it makes no tables for them
            continue
        one = fit(angles, 1, 2 * made.cos.shape[-1], noise, known.schedules())
        if one.schedule is not None and one.wrong_at is None:
            seen = f"angles of all pairs at positions up to {max(angles)}: worst departure {one.departure:.0e}"
            yield (
                argument,
                Told(field="theta", says=f"{one.schedule} with {argument}", because=seen),
            )


def _of_grid(function: Callable[..., Any], recipe: Recipe, built: Built, own: OwnAngles) -> Made:
    """Describe tables of the squares of a grid."""
    own.schedule = "axial"
    seen = "as many rows as a grid of both lengths has squares"
    evidence = [Told(field="call", says=recipe.shown, because=seen)]
    found = grid_squares.of_maker(function, recipe)
    if isinstance(found, str):
        own.doubt = found
    else:
        own.remarks += grid_squares.exchanged(found)
        evidence.append(Told(field="positions", says=found.words, because=grid_squares.SEEN))
        if not found.exchanged:
            noise = 2 * torch.finfo(_real(built.dtype)).eps
            tell_sides(
                own, function, partial(grid_squares.angles_of, function, recipe), found, noise
            )
    return Made(_described(recipe, built, own, None), own, (*evidence, *own.evidence))


def tell_sides(
    own: OwnAngles,
    function: Callable[..., Any],
    lay: Lay,
    found: grid_squares.Laid,
    noise: float = 0.0,
) -> None:
    """Say which frequencies the squares of a grid turn by, along its height and along its width."""
    known = config_of(function)
    for at, (name, pairs) in enumerate((("row", found.rows), ("column", found.columns))):
        side = of_side(lay, at, pairs, noise, known.schedules())
        if side is None:  # no grid is large enough
            continue
        own.doubt = own.doubt or (f"along a {name} {side.doubt}" if side.doubt else None)
        if side.fit:
            _tell_contradiction(own, contradiction(side.fit, known, None, 0))
        seen = "grids of two lengths along that side"
        own.evidence.append(
            Told(field="frequencies", says=f"along a {name}: {side.words}", because=seen)
        )


def _of_image(function: Callable[..., Any], recipe: Recipe, built: Built, own: OwnAngles) -> Made:
    """Describe tables of the patches of an image or a film that it is handed."""
    known = config_of(function)
    noise = 2 * torch.finfo(_real(built.dtype)).eps
    sides = image_patches.of_sides(function, recipe, built, noise, known.schedules())
    _tell_amplitude(own, built, None, known)
    described = structs.replace(_described(recipe, built, own, None), positions="grid")
    if isinstance(sides, str):
        own.doubt = sides
        return Made(described, own, _evidence(recipe, built, own))
    for name, one in zip(image_patches.SIDES[len(recipe.sides)], sides.fits):
        _tell_side(own, name, one)
        _tell_contradiction(own, contradiction(one, known, None, 0))
    if sides.begins > STILL:
        own.doubt = own.doubt or f"the first patch turns already, by {sides.begins:.2g} rad"
    own.schedule = f"Axial: {'; '.join(_spoken(recipe, sides))}"
    described = structs.replace(
        described,
        schedule=own.schedule,
        coordinates=sides.owners,
        frequencies=tuple(float(each) for each in sides.frequencies),
    )
    return Made(described, own, _evidence(recipe, built, own))


def _tell_side(own: OwnAngles, name: str, made: Fit) -> None:
    """Say what is wrong with the angles along one side of an image, or not understood."""
    if made.schedule is None:
        own.doubt = own.doubt or f"along a {name} its frequencies follow no known schedule"
    elif made.wrong_at is not None:
        own.doubt = own.doubt or (
            f"along a {name} its angles do not grow with the place beyond {made.longest}: {made.error:.2g} rad off"
        )
    else:
        seen = f"phase at most {made.error:.1e} rad off along each {name}"
        own.evidence.append(
            Told(field="context", says=f"right up to place {made.longest}", because=seen)
        )


def _spoken(recipe: Recipe, sides: image_patches.Sides) -> Iterator[str]:
    names = image_patches.SIDES[len(recipe.sides)]
    for side, (name, one) in enumerate(zip(names, sides.fits)):
        yield f"pairs {spans(sides.owners, side)} with the {name} of a patch, {one.schedule or 'no known schedule'}"


def _in_blocks(described: Described, axes: Axes) -> Described:
    """Describe tables whose lanes hold a row for each coordinate, and each of these rows twice."""
    lanes, half = len(described.coordinates), len(described.coordinates) // axes.rows // 2
    first = [at + pair for at in range(0, lanes, 2 * half) for pair in range(half)]
    return structs.replace(
        described,
        tables="repeated",
        table_lanes="half",
        rotary_dim=lanes,
        blocks=axes.rows,
        coordinates=tuple(described.coordinates[pair] for pair in first),
        frequencies=tuple(described.frequencies[pair] for pair in first if described.frequencies),
    )


def _tell_points(own: OwnAngles, turning: tuple[int, ...], groups: int) -> None:
    """Say which pairs turn with which coordinate of a point."""
    count = max(turning) + 1
    shown = "; ".join(
        f"pairs {spans(turning, each)} with coordinate {each}" for each in range(count)
    )
    rows = f", for each of {count} coordinates" if groups > 1 else ""
    if own.schedule:
        own.schedule = (
            f"Axial{rows} {own.schedule}: {shown}" if rows else f"{own.schedule}: {shown}"
        )
    seen = "points of which one coordinate after another is not 0"
    own.evidence.append(
        Told(field="positions", says=f"points of {count} coordinates: {shown}", because=seen)
    )


def _tell_begin(own: OwnAngles, heeded: Heeded, name: str, late: int) -> None:
    """Say behind how many rows others begin, of a maker that is told by `name` how many there are before its own.

    A mistake of what is named an offset. What is named after a prefill may count a token that follows it.
    """
    if not name:
        return
    on = f"from {name} on"
    heeded.evidence = [
        structs.replace(one, says=f"from {name} + {late} on") if one.says == on else one
        for one in heeded.evidence
    ]
    words = f"the first row is position {name} + {late}, and what lies behind {name} tokens begins at position {name}"
    at = next(at for at, one in enumerate(own.remarks) if one.code == "offset")
    if said(name, SURELY_OFFSET):
        own.remarks[at] = structs.replace(own.remarks[at], message=words)
    else:
        own.doubt = f"{words}: right only where it counts a token more"
        del own.remarks[at]


def _tell_amplitude(own: OwnAngles, built: Built, made: Fit | None, known: ObjectConfig) -> None:
    """Say what cos and sin are scaled by, and whether that is what the schedule asks for."""
    amplitude = known_amplitude(built.amplitude) or 1.0
    if amplitude != 1.0:
        words = f"scales cos and sin by {amplitude:.6g} (an attention factor)"
        own.remarks.append(remark("amplitude", words, "cos**2 + sin**2", mistake=False))
    own.doubt = own.doubt or amplitude_missing(made.schedule if made else None, amplitude, known)


def _told_width(recipe: Recipe) -> bool:
    return any(argument.rpartition("=")[2] == "D" for argument in recipe.arguments)


def _tell_contradiction(own: OwnAngles, words: str | None) -> None:
    """Add what it says of itself and does not do to why it is not understood."""
    if words and words not in (own.doubt or "") and not any(one.mistake for one in own.remarks):
        own.doubt = "; ".join(each for each in (own.doubt, words) if each)


def known_amplitude(norm: float) -> float | None:
    """Return what scales cos and sin, from the length of a turned pair; None: nothing beyond rounding."""
    return norm if abs(norm - 1) > 1e-3 else None


def _described(recipe: Recipe, built: Built, own: OwnAngles, made: Fit | None) -> Described:
    plain = made is None or isinstance(made.schedule, Plain)
    counted = "points" if recipe.coordinates else {"given": "any"}.get(recipe.positions, "from 0")
    return Described(
        kind="builds",
        tables=built.form,
        table_axes=built.axes,
        table_lanes=built.table_lanes,
        argument_order=recipe.told,
        theta=own.theta,
        schedule=own.schedule,
        amplitude=known_amplitude(built.amplitude),
        order=built.order,
        frequencies=()
        if made is None or plain
        else tuple(float(each) for each in made.frequencies),
        rotary_dim=2 * built.cos.shape[-1],
        positions="grid" if built.grid else counted,
        dtype_rule=f"returns {str(built.dtype)[6:]}",
    )


def _evidence(recipe: Recipe, built: Built, own: OwnAngles) -> tuple[Told, ...]:
    lanes = "D" if built.table_lanes else "D/2"
    tables = f"{built.form}, {built.order}, {shape(built.axes, lanes)}"
    shown = f", for x {shape(recipe.x_axes)}" if recipe.positions == "x" else ""
    return (
        Told(
            field="call",
            says=recipe.shown,
            because=f"what comes back is tables of a rotation{shown}",
        ),
        Told(field="tables", says=tables, because="cos**2 + sin**2 and the row of position 0"),
        *own.evidence,
    )


def _real(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype.is_complex else dtype


def _kept(
    function: Callable[..., Any], recipe: Recipe, built: Built, position: int, built_as: str | None
) -> list[Remark]:
    """Return that few rows are others than before, once a longer sequence was asked for."""
    again = table_calls.build(function, recipe, torch.arange(len(built.angles)), torch.float32)
    eps = ROUNDINGS * torch.finfo(_real(built.dtype)).eps
    if same_row(again.angles[1], built.angles[1], eps):
        return []
    words = (
        f"keeps the frequencies of the longest sequence: after position {position} was asked for, the first rows are "
        "others than before"
    )
    seen = f"rows 0 to {len(built.angles) - 1}, before position {position} and after"
    few = "torch.tensor([[0, 1, 2]])"
    calls = (
        (few, "few rows"),
        (f"torch.tensor([[0, 1, {position}]])", "a longer sequence"),
        (few, "as at first"),
    )
    shown = snippet(function, built_as, recipe, calls, 3) if recipe.positions == "given" else None
    sure = shown is not None and config_of(function).kind == "dynamic"
    return [structs.replace(remark("kept-length", words, seen, mistake=sure), demonstration=shown)]


def _at_positions(
    function: Callable[..., Any],
    recipe: Recipe,
    built: Built,
    own: OwnAngles,
    on_cpu: Callable[..., Any] | None,
    built_as: str | None,
) -> Angles:
    """Ask the maker for hard positions, as far as it has them and the first rows stay what they were."""
    seen: Angles = {position: built.angles[position] for position in range(6)}
    last = PROBE_POSITIONS[-1] if recipe.positions == "given" else MOST_ROWS
    here = replace(recipe, device="cpu")
    if recipe.device != "cpu" and not table_calls.runs(on_cpu, here):
        last = NEAR
        own.evidence.append(no_end())
        on_cpu = None
    for position in (each for each in PROBE_POSITIONS if 6 <= each <= last):
        rows = torch.tensor([0, 1, position])
        try:
            if on_cpu is not None:
                table_calls.build(on_cpu, here, rows, torch.float32)
            more = table_calls.build(function, recipe, rows, torch.float32)
        except Exception:  # it has no row for a position as large as this
            break
        # what grows with the rows is no number of pairs
        if more.angles.shape[1:] != built.angles.shape[1:]:
            break
        if not same_row(
            more.angles[1], built.angles[1], ROUNDINGS * torch.finfo(_real(built.dtype)).eps
        ):
            own.remarks.append(length_change(position, config_of(function)))
            own.remarks += _kept(function, recipe, built, position, built_as)
            break
        seen[position] = more.angles[2]
    return seen
