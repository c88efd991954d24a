"""Tables of the places in an image; and the tables of a maker that makes several, one by one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rotcheck.identify.making.table_reading import NotTables, read_tables
from rotcheck.model.grid_angles import grid_angles
from rotcheck.model.grid_coordinates import grid_coordinates
from rotcheck.model.turn_angles import noise_of
from rotcheck.witness.call_record import CallRecord
from rotcheck.witness.table_values import are_cos_and_sin


@dataclass(frozen=True, slots=True)
class TableGrid:
    """Tables whose rows turn by their places in a grid."""

    form: str
    words: str


def table_grid(call: CallRecord) -> TableGrid | None:
    """Read tables as those of the places in a grid; None: they are none."""
    tables_made = tuple(call.results[place] for place in call.tables)
    rows = max(tables_made[0].shape[:-1], default=0)
    try:
        tables = read_tables(tables_made if len(tables_made) > 1 else tables_made[0], max(rows, 1))
    except NotTables:
        return None
    noise = noise_of(tables.dtype)
    grid = grid_angles(tables.angles, max(10 * noise, 2e-3))
    places = grid or grid_coordinates(tables.angles, noise)
    return TableGrid(f"{tables.form}, {tables.lanes} lanes", places.words) if places else None


def separate_tables(call: CallRecord) -> Iterator[CallRecord]:
    """The record of a maker once for each of its tables, or pair of cos and sin."""
    places = list(call.tables)
    while places:
        pair = len(places) > 1 and are_cos_and_sin(*(call.results[at] for at in places[:2]))
        count = 2 if pair else 1
        yield replace(call, tables=tuple(places[:count]))
        del places[:count]
