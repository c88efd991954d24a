"""What an implementation does by design, in the field's words: reported, never called wrong."""

from dataclasses import dataclass

from rotcheck.convention.layouts import LAYOUTS
from rotcheck.convention.pairings import OutputLanes, Pairing, written_order
from rotcheck.convention.sections import Sections
from rotcheck.convention.table_forms import FORMS, NO_TABLES, TableForm


@dataclass(frozen=True, slots=True)
class Convention:
    """How a rotary function wants its tensors and tables, and what it does with them.

    `pairing`: `half` rotates lane i with i + rotary_dim/2 (GPT-NeoX, Llama in transformers),
    `interleaved` 2i with 2i + 1 (GPT-J, Meta's Llama). `layout`: a key of `LAYOUTS`; packed ones
    hold q, k and v in one tensor. `tables`: see `rotcheck.rotary.tables`; `positions` when it
    computes the angles itself.

    `arguments`: what each argument of a call is, in order, `name=` in front for one passed by
    keyword: `q`, `k`, `v`, `x` or `qkv`; `cos`, `sin`, `table`, or joined `cos+sin` (one tensor,
    one behind the other), `cos|sin` (one tensor, lane by lane), `[cos, sin]` (stacked) and
    `(cos, sin)` (a tuple); `positions`, `offset` or `offsets` (one for each batch row); the sizes
    `B`, `S`, `H`, `D`, `R` (rotary_dim); `axis`, which of them is the sequence; or a constant;
    `sections`, how many pairs each axis of M-RoPE has; `cu_seqlens`, where each of several
    sequences in one tensor begins; `mask` (B, S), 0 where a row is padded, and `rows`, 0, 1, 2, ...
    beside it; `inv_freq`, radians a position for each pair, those of theta 10000; `device`. Empty:
    the tensor and its tables.

    `table_axes`: the axes of a table, of which `w` are its lanes; empty: those of its form.
    `table_lanes`: the order in which full-width tables repeat, when that is not the pairing's.
    `sections`: of tables with an axis `g`, for time, height and width (M-RoPE), which pairs take
    theirs from which: section after section, or in turn. `direction`: -1 rotates by minus the
    angle. `output_lanes`: `de-interleaved` writes interleaved pairs as halves, `interleaved` halves
    as interleaved pairs. `rotary_dim`: lanes that rotate, None: all. `blocks`: into how many parts
    these are cut, each paired for itself (RoPE2D: 2, for the two coordinates of an image).
    `head_dim`, `heads`: the only width and number it takes. `theta` and `frequencies`: of one that
    computes angles itself; frequencies in radians a position, when they are not theta's.
    `positions`: what it takes of them: `tables` (the rows handed in), `any`, `offset` or `from 0`;
    `position_axes` their axes, of which `2` and `3` are coordinates; `last_position` the largest.
    `in_place`: the result is written into the input. `takes_offset`: it takes `offset=k`, the row
    of the first position. `ways`: further calls that do the same, the layout (empty: any that it
    takes) and the axes of a table of each. `choices`: keywords that choose a field, with the values
    that they take: `("form=tables", ("half-width", "complex"))` is `form=` for the field `tables`.
    """

    pairing: Pairing
    layout: str
    tables: str
    in_place: bool = False
    takes_offset: bool = False
    arguments: tuple[str, ...] = ()
    table_axes: str = ""
    table_lanes: Pairing | None = None
    sections: Sections = "blocks"
    direction: int = 1
    output_lanes: OutputLanes = "same"
    rotary_dim: int | None = None
    blocks: int = 1
    head_dim: int | None = None
    heads: int | None = None
    theta: float = 10000.0
    frequencies: tuple[float, ...] = ()
    positions: str = "tables"
    position_axes: str = "bs"
    last_position: int | None = None
    rotates_v: bool = False
    ways: tuple[tuple[str, str], ...] = ()
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def axes(self) -> str:
        """The axes of a tensor, a letter each."""
        return LAYOUTS[self.layout].axes

    @property
    def takes_tables(self) -> bool:
        """Whether it is handed tables; else it computes the angles of positions itself."""
        return self.tables != NO_TABLES.name

    @property
    def form(self) -> TableForm:
        """The form of its tables."""
        return FORMS.get(self.tables, NO_TABLES)

    @property
    def all_table_axes(self) -> str:
        """The axes of a table: those that are named, or those of its form."""
        return self.table_axes or self.form.axes

    @property
    def lane_order(self) -> Pairing:
        """In which order tables as wide as a head have each pair's value twice."""
        return self.table_lanes or self.pairing

    @property
    def repeated_lanes(self) -> Pairing | None:
        """In which order its tables have each pair's value twice;
        None: they have it once, or it takes none."""
        return self.lane_order if self.form.repeats else None

    @property
    def points(self) -> bool:
        """Whether positions are points, of which each coordinate turns a block
        of lanes of its own."""
        return self.blocks > 1 and str(self.blocks) in self.position_axes

    @property
    def is_packed(self) -> bool:
        """Whether q, k and v come in one tensor."""
        return LAYOUTS[self.layout].is_packed

    @property
    def output_order(self) -> Pairing:
        """In which order of lanes the pairs of the result lie."""
        return written_order(self.output_lanes, self.pairing)

    @property
    def called_with(self) -> tuple[str, ...]:
        """What each argument of a call is."""
        if self.arguments:
            return self.arguments
        offset = ("offset=offset",) if self.takes_offset else ()
        return ("qkv" if self.is_packed else "x", *self.form.roles, *offset)

    @property
    def slots(self) -> tuple[str, ...]:
        """Which of q, k and v a call is given."""
        roles = set(map(role_of, self.called_with))
        return (
            ("q", "k", "v")
            if "qkv" in roles
            else tuple(slot for slot in "qkv" if slot in roles) or ("q",)
        )


def role_of(argument: str) -> str:
    """What an argument of a call is, without the keyword that it is passed by."""
    return argument.rpartition("=")[2]
