"""A function with the other's call that does what the other does by calling ours, as code that runs."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

from rotcheck.convention import LAYOUTS, role_named, role_of, written_order
from rotcheck.identify.swapping import conversion, maker_adapter
from rotcheck.identify.swapping.call_lines import (
    NAME,
    OURS,
    TENSORS,
    call_of,
    registered_lines,
    signature,
    table_name,
)
from rotcheck.identify.swapping.conversion import PACKED, Impossible, each, form_of
from rotcheck.identify.swapping.position_lines import (
    from_offset,
    gathered,
    laid_positions,
    made_tables,
)
from rotcheck.results import Described

NARROWER = "narrower tables"  # as `takes` has it: they rotate fewer lanes, and the others stay
ROW = "row"  # of a batch, in code
ONE_AXIS = tuple(name for name, layout in LAYOUTS.items() if layout.joins_heads)
_FLAT = tuple(name for name, layout in LAYOUTS.items() if layout.joins_rows)


def adapter(ours: Described, theirs: Described) -> str | None:
    """The function as code, in which ours is called `ours`; None: nothing is known that would do."""
    try:
        return (
            maker_adapter.code(ours, theirs)
            if ours.kind == "builds"
            else _Swap(ours, theirs).code()
        )
    except Impossible:
        return None


def headed(code: str, lines: str) -> str:
    """An adapter with the lines that import or build `ours` in front."""
    return code.replace("import torch\n", f"import torch\n\n{lines}\n", 1)


def unseen(specification: str, device: str, built: str | None = None) -> str:
    """The lines that import or build a function that did not run here, by its specification without folders."""
    target, colon, name = specification.rpartition(":")
    module, first = target.removesuffix(".py"), name.partition(".")[0]
    if not colon:
        return registered_lines(specification, device)
    if built or "." in name:
        made = f"{built}{name.removeprefix(first)}" if built else name
        return f"from {module} import {first}\n\n{OURS} = {made}"
    return f"from {module} import {name} as {OURS}"


@dataclass
class _Swap:
    """The way from the other's call to ours and back."""

    ours: Described
    theirs: Described
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    layout: str = ""  # of theirs, or of each slot of theirs once these are apart
    slots: list[str] = field(default_factory=list)  # of q, k, v, x and qkv, as theirs takes them
    rotating: list[str] = field(default_factory=list)  # all but v
    repack: str = ""  # puts q, k and v into one tensor again

    def code(self) -> str:
        """The whole function. Raises `Impossible`."""
        if (self.ours.blocks or 1) != (self.theirs.blocks or 1) or self.theirs.rotates_v:
            raise Impossible("lanes are cut into other blocks, or V is rotated")
        parameters, unpacked, sizes = signature(self.theirs)
        roles = list(map(role_of, self.theirs.argument_order))
        self.slots = [role for role in roles if role in TENSORS]
        self.layout = self.theirs.layout or self.ours.layout or "bshd"
        if self.theirs.in_place:
            self.before.append(f"given = ({', '.join(self.slots)},)")
        self._unpack()
        self.rotating = [name for name in self.slots if name != "v"]
        self._shape()
        called = self._tables(roles)
        self._clone()
        body = [
            *unpacked,
            *self.before,
            *self._call(called),
            *reversed(self.after),
            *self._end(roles),
        ]
        lines = [*self._sizes(body, sizes), *body]
        text = textwrap.indent("\n".join(lines), "    ")
        return f"import torch\n\n\ndef {NAME}({parameters}):\n{text}\n"

    def _around(self, before: str, after: str, names: Sequence[str] | None = None) -> None:
        """Do something with each tensor before the call, and something else behind it."""
        names = names or self.rotating
        self.before += [each(names, before)] if before != "{}" else []
        self.after += [each(names, after)] if after != "{}" else []

    def _unpack(self) -> None:
        """Take packed q, k and v apart, where ours does not take them packed alike."""
        whole = self.ours.layout == self.layout and not self._folds
        if self.slots != ["qkv"] or (whole and "qkv" in map(role_of, self.ours.argument_order)):
            return
        if self.layout not in PACKED:
            raise Impossible(f"nothing is known of how {self.layout} is taken apart")
        self.layout, axis = PACKED[self.layout]
        self.before.append(f"q, k, v = qkv.unbind({axis})")
        self.slots = ["q", "k", "v"]
        self.repack = f"torch.stack((q, k, v), {axis})"

    @property
    def _folds(self) -> bool:
        """Whether batch and rows become one axis: ours takes one table for all batch rows, or has no batch."""
        if self._by_rows:
            return False
        layout = PACKED.get(self.ours.layout or "", (self.ours.layout,))[0]
        theirs = PACKED.get(self.layout, (self.layout,))[0]
        if layout in _FLAT:
            return theirs not in _FLAT
        return of_batch(self.theirs) and (layout in ONE_AXIS or not of_batch(self.ours))

    @property
    def _by_rows(self) -> bool:
        """Whether ours is called for each row of a batch: it counts from one offset, the other from one for each."""
        ours, theirs = (set(map(role_of, one.argument_order)) for one in (self.ours, self.theirs))
        whole = self.ours.layout in ("bshd", "bhsd") and self.ours.tables == "positions"
        return whole and "offset" in ours and "offsets" in theirs

    @property
    def _joint(self) -> bool:
        """Whether q, k and v go into ours in one tensor, as they came."""
        return bool(self.repack) and self.ours.layout in PACKED and not self._folds

    def _shape(self) -> None:
        """Put layout and lanes as ours wants them, and back behind the call."""
        ours = self.ours
        layout = PACKED.get(ours.layout or "", (ours.layout or self.layout,))[0]
        if self.slots == ["qkv"]:
            layout = self.layout
        every = self.slots if self._joint else self.rotating
        if not self._folds and layout == self.layout:
            self._lanes()
            return
        split = conversion.OF_ONE if self._folds else conversion.OF_BATCH
        enter = conversion.entered(self.layout) + (".flatten(0, 1)[None]" if self._folds else "")
        back = ("[0].unflatten(0, (batch, -1))" if self._folds else "") + conversion.left(
            self.layout
        )
        leave, out = conversion.left(layout), conversion.entered(layout, split)
        if "(hd)" in layout + self.layout:  # lanes have no axis of their own
            self._around(f"{{}}{enter}", f"{{}}{back}", every)
            self._lanes()
            self._around(f"{{}}{leave}", f"{{}}{out}", every)
        else:
            self._around(f"{{}}{enter}{leave}", f"{{}}{out}{back}", every)
            self._lanes()

    def _lanes(self) -> None:
        """Put the lanes that rotate in the order that ours wants, and back behind the call."""
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
        into = conversion.reordered(theirs.pairing, ours.pairing, blocks, lanes)
        self._around(into, conversion.reordered(written(ours), written(theirs), blocks, lanes))

    def _narrow(self, lanes: str) -> None:
        """Give ours the lanes that rotate alone."""
        if self.ours.rotary_dim:
            raise Impossible(f"it rotates {self.ours.rotary_dim} lanes, the other {lanes}")
        others = [f"{name}_rest" for name in self.rotating]
        kept = ", ".join(f"{name}[..., {lanes}:]" for name in self.rotating)
        self.before.append(f"{', '.join(others)} = {kept}")
        self._around(f"{{}}[..., :{lanes}]", "torch.cat(({0}, {0}_rest), -1)")

    def _tables(self, roles: Sequence[str]) -> dict[str, str]:
        """Make our tables or positions of theirs; return the values of our other arguments."""
        ours, theirs = self.ours, self.theirs
        if "positions" in (ours.tables, theirs.tables):
            return self._positions(roles)
        have, wanted = theirs.table_axes or "", set(map(role_of, ours.argument_order))
        indexed = "positions" in roles and "positions" not in wanted
        if indexed:
            self.before.append(gathered(theirs))
            have = f"{theirs.position_axes or 's'}w"
        if {"offset", "offsets"} & set(roles):
            self.before.append(from_offset(roles, theirs))
            have = "bsw" if "offsets" in roles else have
        values = {
            "offset": "0",
            "offsets": f"torch.zeros(batch, dtype=torch.int64, device={self.device})",
        }
        folded = self._folds
        if "positions" in wanted:
            self._rows_of_tables(roles)
            folded = folded and "positions" not in roles
        self.before += conversion.tables(ours, theirs, folded=folded, axes=have)
        return values

    @property
    def device(self) -> str:
        return f"{self.rotating[0]}.device"

    def _rows_of_tables(self, roles: Sequence[str]) -> None:
        """Say which row of our table belongs to which token."""
        have = self.theirs.position_axes or "s"
        if "positions" not in roles:
            rows = "batch * rows" if self._folds else "rows"
            self.before.append(f"positions = torch.arange({rows}, device={self.device})")
            have, folded = "s", False
        else:
            folded = self._folds
        self.before += laid_positions(have, self.ours.position_axes or "s", folded)

    def _positions(self, roles: Sequence[str]) -> dict[str, str]:
        """Make our positions, or our tables, of the positions that theirs takes or counts."""
        ours, theirs = self.ours, self.theirs
        if theirs.tables != "positions":
            raise Impossible("tables do not tell the positions that ours makes its own of")
        if ours.direction != theirs.direction and ours.tables == "positions":
            raise Impossible("positions cannot turn the other way round")
        wanted = list(map(role_of, ours.argument_order))
        counted = "offset" if "offset" in roles else "0"
        if ours.tables == "positions" and ours.positions in ("offset", "from 0"):
            if theirs.positions not in ("offset", "from 0") or (
                counted == "offset" and "offset" not in wanted
            ):
                raise Impossible("it counts rows, and cannot be told positions")
            return {"offset": f"int(offsets[{ROW}])" if self._by_rows else counted}
        have = theirs.position_axes or "s"
        if "positions" not in roles:
            first = "offsets[:, None]" if "offsets" in roles else counted
            start = "" if first == "0" else f"{first} + "
            self.before.append(f"positions = {start}torch.arange(rows, device={self.device})")
            have = "bs" if "offsets" in roles else "s"
        if ours.tables == "positions":
            self.before += laid_positions(have, ours.position_axes or "s", self._folds)
            return {}
        self.before += made_tables(ours, theirs, have, self.rotating[0], folded=self._folds)
        return {"offset": "0"}

    def _clone(self) -> None:
        """Keep ours from writing into what it was given; what is stacked for it is a copy already."""
        stacked = self.ours.layout in PACKED and self.slots != ["qkv"]
        copied = self.theirs.in_place and not self.before[1:]
        if self.ours.in_place and not stacked and not copied:
            self.before.append(each(self.rotating, "{}.clone()"))

    def _call(self, values: dict[str, str]) -> list[str]:
        """The lines that call ours, once for all tensors or for one after another."""
        ours, names = self.ours, self.rotating
        wanted = list(map(role_of, ours.argument_order))
        values = {
            **values,
            "device": self.device,
            "R": str(ours.rotary_dim or self.theirs.rotary_dim or "width"),
        }
        unknown = [
            role
            for role in wanted
            if role_named(role).group == "beside"
            and role not in values
            and not role_named(role).adapter
        ]
        if unknown:
            raise Impossible(f"nothing is known of its {', '.join(unknown)}")
        slots = [role for role in wanted if role in TENSORS]
        if slots == ["qkv"] and names != ["qkv"]:
            return self._packed(values)
        apart = (
            ours.takes.get("fewer heads in k") is False
            and self.theirs.takes.get("fewer heads in k") is not False
        )
        if len(slots) >= 2 and len(names) == 2 and not apart and not self._by_rows:
            own = dict(zip(slots, (*names, "v" if "v" in self.slots else names[-1])))
            called = f"{OURS}({call_of(ours, values | own)})"
            cut = "[:2]" if len(slots) > 2 else ""
            return [called if ours.in_place else f"{', '.join(names)} = {called}{cut}"]
        first = "[0]" if len(slots) > 1 else ""
        if self._by_rows:
            return [
                self._of_rows(
                    name, values | dict.fromkeys(slots, f"{name}[{ROW} : {ROW} + 1]"), first
                )
                for name in names
            ]
        return [
            f"{name} = {OURS}({call_of(ours, values | dict.fromkeys(slots, name))}){first}"
            if not ours.in_place
            else f"{OURS}({call_of(ours, values | dict.fromkeys(slots, name))})"
            for name in names
        ]

    def _of_rows(self, name: str, values: dict[str, str], first: str) -> str:
        """The lines that call ours for each row of a batch."""
        called = f"{OURS}({call_of(self.ours, values)}){first}"
        return f"{name} = torch.cat([\n    {called}\n    for {ROW} in range(batch)\n])"

    def _packed(self, values: dict[str, str]) -> list[str]:
        """The lines that call ours with packed q, k and v."""
        axis = PACKED[self.ours.layout or ""][1] if self.ours.layout in PACKED else None
        if axis is None:
            raise Impossible(f"nothing is known of how {self.ours.layout} is put together")
        if self._joint:
            packed = [("q, k, v", "q, k, v")]
        else:
            packed = [(name, f"{name}, {name}, {name}") for name in self.rotating]
        lines = []
        for names, parts in packed:
            lines.append(f"qkv = torch.stack(({parts}), {axis})")
            called = f"{OURS}({call_of(self.ours, values)})"
            lines.append(called if self.ours.in_place else f"qkv = {called}")
            lines.append(
                f"{names} = qkv.unbind({axis})"
                if "," in names
                else f"{names} = qkv.select({axis}, 0)"
            )
        return lines

    def _end(self, roles: Sequence[str]) -> list[str]:
        """What is given back, and written into what came in where theirs does that."""
        result = self.repack or ", ".join(self.slots)
        if not self.theirs.in_place:
            return [f"return {result}"]
        single = self.repack or len(self.slots) == 1
        lines = [f"for one, rotated in zip(given, ({result},)):", "    one.copy_(rotated)"]
        return [*lines, "return given[0]" if single else "return given"]

    def _sizes(self, body: Sequence[str], given: dict[str, str]) -> list[str]:
        """The lines that name the sizes which others ask for."""
        text = "\n".join(body)
        axes = LAYOUTS[self.layout].axes
        first = "qkv" if self.repack or self.slots == ["qkv"] else self.slots[0]
        if first == "qkv":
            axes = LAYOUTS[self.theirs.layout or "qkv"].axes
        lines = []
        for letter, name in (("b", "batch"), ("s", "rows"), ("d", "width"), ("h", "heads")):
            if name in given or not _uses(text, name):
                continue
            if letter in axes:
                lines.append(
                    f"{name} = {first}.shape[{axes.index(letter) if letter != 'd' else -1}]"
                )
            elif letter == "b":
                lines.append("batch = 1")
            elif letter == "h" and "e" in axes and ("width" in given or _uses(text, "width")):
                lines.append(f"heads = {first}.shape[-1] // width")
            else:
                raise Impossible(f"the size {name} is not known")
        return lines


def _uses(text: str, name: str) -> bool:
    """Whether a name stands in code by itself."""
    spaced = "".join(sign if sign.isalnum() or sign == "_" else " " for sign in text)
    return name in spaced.split()


def of_batch(described: Described) -> bool:
    """Whether each row of a batch has tables or positions of its own."""
    roles = set(map(role_of, described.argument_order))
    if "positions" in roles:
        return "b" in (described.position_axes or "")
    return "offsets" in roles or "b" in (described.table_axes or "")


def follows_tables(described: Described) -> bool:
    """Whether it rotates as many lanes as its tables have."""
    return described.rotary_dim is None and bool(described.takes.get(NARROWER))


def _table_lanes(theirs: Described) -> str:
    """How many lanes its tables are for, as code."""
    lanes = -1 - len(form_of(theirs).tail)
    return f"{'' if theirs.table_lanes else '2 * '}{table_name(theirs)}.shape[{lanes}]"


def written(described: Described) -> str | None:
    """In which order of lanes the pairs of a result lie."""
    return written_order(described.output_lanes or "same", described.pairing)
