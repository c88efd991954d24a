"""The lines that give ours the tensors of the other's call:
unpacked, laid out, their lanes in order; and back."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rotcheck.convention import LAYOUTS, role_of, written_order
from rotcheck.identify.swapping import conversion
from rotcheck.identify.swapping.call_lines import table_names
from rotcheck.identify.swapping.conversion import PACKINGS, Impossible, assignments, form_of
from rotcheck.results import Description

NARROWER = "narrower tables"  # as `takes` has it: they rotate fewer lanes, and the others stay
ONE_AXIS = tuple(name for name, layout in LAYOUTS.items() if layout.joins_heads)
_FLAT = tuple(name for name, layout in LAYOUTS.items() if layout.joins_rows)


@dataclass
class TensorChanges:
    """What is done to the tensors of a call before ours is called, and to its result after."""

    ours: Description
    theirs: Description
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    layout: str = ""  # of theirs, or of each slot of theirs once these are apart
    slots: list[str] = field(default_factory=list)  # of q, k, v, x and qkv, as theirs takes them
    rotating: list[str] = field(default_factory=list)  # all but v
    repack: str = ""  # puts q, k and v into one tensor again

    def _around(self, before: str, after: str, names: Sequence[str] | None = None) -> None:
        """Convert each tensor before the call, and back after it."""
        names = names or self.rotating
        self.before += [assignments(names, before)] if before != "{}" else []
        self.after += [assignments(names, after)] if after != "{}" else []

    def _unpack(self) -> None:
        """Unpack q, k and v unless ours takes them packed in the same way."""
        whole = self.ours.layout == self.layout and not self._folds
        if self.slots != ["qkv"] or (whole and "qkv" in map(role_of, self.ours.argument_order)):
            return
        if self.layout not in PACKINGS:
            raise Impossible(f"nothing is known of how {self.layout} is taken apart")
        self.layout, axis = PACKINGS[self.layout]
        self.before.append(f"q, k, v = qkv.unbind({axis})")
        self.slots = ["q", "k", "v"]
        self.repack = f"torch.stack((q, k, v), {axis})"

    @property
    def _folds(self) -> bool:
        """Whether batch and rows become one axis:
        ours takes one table for all batch rows, or has no batch."""
        if self._by_rows:
            return False
        layout = PACKINGS.get(self.ours.layout or "", (self.ours.layout,))[0]
        theirs = PACKINGS.get(self.layout, (self.layout,))[0]
        if layout in _FLAT:
            return theirs not in _FLAT
        return of_batch(self.theirs) and (layout in ONE_AXIS or not of_batch(self.ours))

    @property
    def _by_rows(self) -> bool:
        """Whether ours is called for each row of a batch:
        it counts from one offset, the other from one for each."""
        ours, theirs = (
            set(map(role_of, described_function.argument_order))
            for described_function in (self.ours, self.theirs)
        )
        whole = self.ours.layout in ("bshd", "bhsd") and not self.ours.takes_tables
        return whole and "offset" in ours and "offsets" in theirs

    @property
    def _joint(self) -> bool:
        """Whether q, k and v go into ours in one tensor, as they came."""
        return bool(self.repack) and self.ours.layout in PACKINGS and not self._folds

    def _shape(self) -> None:
        """Convert layout and lanes to ours, and back after the call."""
        ours = self.ours
        layout = PACKINGS.get(ours.layout or "", (ours.layout or self.layout,))[0]
        if self.slots == ["qkv"]:
            layout = self.layout
        tensors = self.slots if self._joint else self.rotating
        if not self._folds and layout == self.layout:
            self._lanes()
            return
        split = conversion.OF_ONE if self._folds else conversion.OF_BATCH
        enter = conversion.to_bshd(self.layout) + (".flatten(0, 1)[None]" if self._folds else "")
        back = ("[0].unflatten(0, (batch, -1))" if self._folds else "") + conversion.from_bshd(
            self.layout
        )
        leave, out = conversion.from_bshd(layout), conversion.to_bshd(layout, split)
        if "(hd)" in layout + self.layout:  # lanes have no axis of their own
            self._around(f"{{}}{enter}", f"{{}}{back}", tensors)
            self._lanes()
            self._around(f"{{}}{leave}", f"{{}}{out}", tensors)
        else:
            self._around(f"{{}}{enter}{leave}", f"{{}}{out}{back}", tensors)
            self._lanes()

    def _lanes(self) -> None:
        """Put the lanes that rotate in the order of ours, and back after the call."""
        ours, theirs = self.ours, self.theirs
        if follows_tables(theirs) and ours.takes.get(NARROWER) is False:
            self.before.append(f"lanes = {_table_lanes(theirs)}")
            self._narrow("lanes")
        elif theirs.rotary_dim and theirs.rotary_dim != ours.rotary_dim:
            self._narrow(str(theirs.rotary_dim))
        elif ours.rotary_dim != theirs.rotary_dim:
            raise Impossible(f"it rotates {ours.rotary_dim} lanes, the other more")
        lanes = ours.rotary_dim if ours.rotary_dim == theirs.rotary_dim else None
        blocks = ours.blocks or 1
        into = conversion.reorder(theirs.pairing, ours.pairing, blocks, lanes)
        self._around(
            into, conversion.reorder(output_order(ours), output_order(theirs), blocks, lanes)
        )

    def _narrow(self, lanes: str) -> None:
        """Give ours the lanes that rotate alone."""
        if self.ours.rotary_dim:
            raise Impossible(f"it rotates {self.ours.rotary_dim} lanes, the other {lanes}")
        rest = [f"{name}_rest" for name in self.rotating]
        slices = ", ".join(f"{name}[..., {lanes}:]" for name in self.rotating)
        self.before.append(f"{', '.join(rest)} = {slices}")
        self._around(f"{{}}[..., :{lanes}]", "torch.cat(({0}, {0}_rest), -1)")


def of_batch(description: Description) -> bool:
    """Whether each row of a batch has tables or positions of its own."""
    roles = set(map(role_of, description.argument_order))
    if "positions" in roles:
        return "b" in (description.position_axes or "")
    return "offsets" in roles or "b" in (description.table_axes or "")


def follows_tables(description: Description) -> bool:
    """Whether it rotates as many lanes as its tables have."""
    return description.rotary_dim is None and bool(description.takes.get(NARROWER))


def _table_lanes(theirs: Description) -> str:
    """How many lanes its tables are for, as code."""
    lanes = -1 - len(form_of(theirs).tail)
    return f"{'' if theirs.table_lanes else '2 * '}{table_names(theirs)[0]}.shape[{lanes}]"


def output_order(description: Description) -> str | None:
    """The order of lanes of a result."""
    return written_order(description.output_lanes or "same", description.pairing)
