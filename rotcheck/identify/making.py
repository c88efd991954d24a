"""Functions and modules that make tables: which tables, of which angles, and how far they are right."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from rotcheck.identify import builders
from rotcheck.identify.builders import Built, Recipe
from rotcheck.identify.fit import Fit, fit
from rotcheck.identify.frequencies import ASKED, NEAR, Turned
from rotcheck.identify.own_angles import OwnAngles, no_end, tell, tell_offset
from rotcheck.identify.remarks import remark
from rotcheck.identify.words import shape_words
from rotcheck.results import Described, Remark, Told
from rotcheck.rotary.conventions import Convention
from rotcheck.rotary.schedules import Plain

ROUNDINGS = 8  # by which the same row may differ in tables of different length
MOST_ROWS = 4097  # of one that makes all rows up to a position; `rotcheck context` goes on


@dataclass(frozen=True, slots=True)
class Made:
    """What a maker of tables does, and what its angles say."""

    described: Described
    own: OwnAngles
    evidence: tuple[Told, ...]


def of_maker(
    function: Callable[..., Any], recipe: Recipe, built: Built, on_cpu: Callable[..., Any] | None = None
) -> Made:
    """Describe the tables that a function makes.

    `on_cpu`: the same function for the CPU, where the end of its table is looked for when it lives on another device.
    """
    own = OwnAngles(Convention(pairing=built.table_lanes or "half", layout="bshd", tables=built.form), ())
    if built.grid:
        own.schedule = "axial"
        seen = "as many rows as a grid of both lengths has squares"
        return Made(
            _described(recipe, built, own, None), own, (Told(field="call", says=recipe.shown, because=seen),)
        )
    angles = _at_positions(function, recipe, built, own, on_cpu)
    made = fit(angles, 1, 2 * built.cos.shape[-1], noise=2 * torch.finfo(_real(built.dtype)).eps)
    own.longest = made.longest
    tell(own, made, max(angles))
    tell_offset(own, angles, made, 1)
    if known_amplitude(built.amplitude):
        words = f"scales cos and sin by {built.amplitude:.6g} (an attention factor)"
        own.remarks.append(remark("amplitude", words, "cos**2 + sin**2", mistake=False))
    return Made(_described(recipe, built, own, made), own, _evidence(recipe, built, own))


def known_amplitude(norm: float) -> float | None:
    """Return what scales cos and sin, from the length of a turned pair; None: nothing, as far as rounding shows."""
    return norm if abs(norm - 1) > 1e-3 else None


def _described(recipe: Recipe, built: Built, own: OwnAngles, made: Fit | None) -> Described:
    plain = made is None or isinstance(made.schedule, Plain)
    counted = {"given": "any"}.get(recipe.positions, "from 0")
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
        frequencies=() if made is None or plain else tuple(float(each) for each in made.frequencies),
        rotary_dim=2 * built.cos.shape[-1],
        positions="grid" if built.grid else counted,
        dtype_rule=f"returns {str(built.dtype)[6:]}",
    )


def _evidence(recipe: Recipe, built: Built, own: OwnAngles) -> tuple[Told, ...]:
    lanes = "D" if built.table_lanes else "D/2"
    tables = f"{built.form}, {built.order}, {shape_words(built.axes, lanes)}"
    shown = f", for x {shape_words(recipe.x_axes)}" if recipe.positions == "x" else ""
    return (
        Told(field="call", says=recipe.shown, because=f"what comes back is tables of a rotation{shown}"),
        Told(field="tables", says=tables, because="cos**2 + sin**2 and the row of position 0"),
        *own.evidence,
    )


def _real(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype.is_complex else dtype


def _at_positions(
    function: Callable[..., Any],
    recipe: Recipe,
    built: Built,
    own: OwnAngles,
    on_cpu: Callable[..., Any] | None,
) -> Turned:
    """Ask the maker for hard positions, as far as it has them and the first rows stay what they were."""
    seen: Turned = {position: built.angles[position] for position in range(6)}
    last = ASKED[-1] if recipe.positions == "given" else MOST_ROWS
    here = replace(recipe, device="cpu")
    if recipe.device != "cpu" and not builders.runs(on_cpu, here):
        last = NEAR
        own.evidence.append(no_end())
        on_cpu = None
    for position in (each for each in ASKED if 6 <= each <= last):
        rows = torch.tensor([0, 1, position])
        try:
            if on_cpu is not None:
                builders.build(on_cpu, here, rows, torch.float32)
            more = builders.build(function, recipe, rows, torch.float32)
        except Exception:  # it has no row for a position as large as this
            break
        if not _same_row(more.angles[1], built.angles[1], built.dtype):
            own.remarks.append(_by_length(position))
            break
        seen[position] = more.angles[2]
    return seen


def _same_row(longer: torch.Tensor, shorter: torch.Tensor, dtype: torch.dtype) -> bool:
    eps = torch.finfo(_real(dtype)).eps
    return bool(((longer - shorter).abs() <= ROUNDINGS * eps * (shorter.abs() + eps)).all())


def _by_length(position: int) -> Remark:
    words = f"with {position + 1} rows its frequencies are others than with {builders.FEW_ROWS}: dynamic NTK, perhaps"
    return remark("by-length", words, "the angles of position 1 in tables of either length", mistake=False)
