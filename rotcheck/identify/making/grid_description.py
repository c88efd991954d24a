"""What a maker of a grid's tables makes: how squares are laid, and their frequencies."""

from collections.abc import Callable
from functools import partial
from typing import Any

from rotcheck.identify.angles.angle_findings import AngleFindings
from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.grid_frequencies import Lay, of_side
from rotcheck.identify.angles.object_config import config_of
from rotcheck.identify.making.grid_calls import table_angles, table_layout
from rotcheck.identify.making.grid_layout import EVIDENCE, PatchGrid, of_exchange
from rotcheck.identify.making.table_description import (
    TableDescription,
    add_contradiction,
    convention_of,
)
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.results import FieldEvidence


def describe_grid(maker: TableMaker) -> TableDescription:
    """Describe tables of the squares of a grid."""
    reading = maker.findings()
    reading.schedule = "axial"
    because = "as many rows as a grid of both lengths has squares"
    evidence = [FieldEvidence(field="call", says=maker.call.words, because=because)]
    layout = table_layout(maker.function, maker.call)
    if isinstance(layout, str):
        reading.doubt = layout
    else:
        reading.remarks += of_exchange(layout)
        evidence.append(FieldEvidence(field="positions", says=layout.words, because=EVIDENCE))
        if not layout.sides_swapped:
            lay = partial(table_angles, maker.function, maker.call)
            add_sides(reading, maker.function, lay, layout, maker.noise)
    return TableDescription(
        convention_of(maker, reading, None), reading, (*evidence, *reading.evidence)
    )


def add_sides(
    reading: AngleFindings,
    function: Callable[..., Any],
    lay: Lay,
    layout: PatchGrid,
    noise: float = 0.0,
) -> None:
    """Say which frequencies the squares of a grid turn by, along its height and along its width."""
    config = config_of(function)
    for at, (name, pairs) in enumerate((("row", layout.rows), ("column", layout.columns))):
        side = of_side(lay, at, pairs, noise, config.schedules())
        if side is None:  # no grid is large enough
            continue
        reading.doubt = reading.doubt or (f"along a {name} {side.doubt}" if side.doubt else None)
        if side.fit:
            add_contradiction(reading, contradiction(side.fit, config, None, 0))
        words = f"along a {name}: {side.words}"
        evidence = "grids of two lengths along that side"
        reading.evidence.append(FieldEvidence(field="frequencies", says=words, because=evidence))
