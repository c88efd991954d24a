"""Code of a function with the other's signature, that does what the other does by calling ours."""

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
    table_names,
)
from rotcheck.identify.swapping.conversion import PACKINGS, Impossible, assignments, form_of
from rotcheck.identify.swapping.position_lines import (
    from_offset,
    gather_rows,
    laid_positions,
    made_tables,
)
from rotcheck.results import Description

NARROWER = "narrower tables"  # as `takes` has it: they rotate fewer lanes, and the others stay
ROW = "row"  # of a batch, in code
ONE_AXIS = tuple(name for name, layout in LAYOUTS.items() if layout.joins_heads)
_FLAT = tuple(name for name, layout in LAYOUTS.items() if layout.joins_rows)


def adapter(ours: Description, theirs: Description) -> str | None:
    """The function as code, in which ours is called `ours`; None: nothing is known that would do."""
    try:
        return (
            maker_adapter.code(ours, theirs)
            if ours.kind == "builds"
            else _Swap(ours, theirs).code()
        )
    except Impossible:
        return None


def with_head(code: str, lines: str) -> str:
    """An adapter with the lines that import or build `ours` in front."""
    return code.replace("import torch\n", f"import torch\n\n{lines}\n", 1)


def import_code(specification: str, device: str, construction_text: str | None = None) -> str:
    """The lines that import or build a function that did not run here, by its specification without folders."""
    target, colon, name = specification.rpartition(":")
    module, first = target.removesuffix(".py"), name.partition(".")[0]
    if not colon:
        return registered_lines(specification, device)
    if construction_text or "." in name:
        expression = f"{construction_text}{name.removeprefix(first)}" if construction_text else name
        return f"from {module} import {first}\n\n{OURS} = {expression}"
    return f"from {module} import {name} as {OURS}"


@dataclass
class _Swap:
    """The way from the other's call to ours and back."""

    ours: Description
    theirs: Description
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
        parameters, unpacking, sizes = signature(self.theirs)
        roles = list(map(role_of, self.theirs.argument_order))
        self.slots = [role for role in roles if role in TENSORS]
        self.layout = self.theirs.layout or self.ours.layout or "bshd"
        if self.theirs.in_place:
            self.before.append(f"given = ({', '.join(self.slots)},)")
        self._unpack()
        self.rotating = [name for name in self.slots if name != "v"]
        self._shape()
        values = self._tables(roles)
        self._clone()
        body = [
            *unpacking,
            *self.before,
            *self._call(values),
            *reversed(self.after),
            *self._end(roles),
        ]
        lines = [*self._sizes(body, sizes), *body]
        text = textwrap.indent("\n".join(lines), "    ")
        return f"import torch\n\n\ndef {NAME}({parameters}):\n{text}\n"

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
        """Whether batch and rows become one axis: ours takes one table for all batch rows, or has no batch."""
        if self._by_rows:
            return False
        layout = PACKINGS.get(self.ours.layout or "", (self.ours.layout,))[0]
        theirs = PACKINGS.get(self.layout, (self.layout,))[0]
        if layout in _FLAT:
            return theirs not in _FLAT
        return of_batch(self.theirs) and (layout in ONE_AXIS or not of_batch(self.ours))

    @property
    def _by_rows(self) -> bool:
        """Whether ours is called for each row of a batch: it counts from one offset, the other from one for each."""
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

    def _tables(self, roles: Sequence[str]) -> dict[str, str]:
        """Make our tables or positions of theirs; return the values of our other arguments."""
        ours, theirs = self.ours, self.theirs
        if "positions" in (ours.tables, theirs.tables):
            return self._positions(roles)
        have, roles_of_ours = theirs.table_axes or "", set(map(role_of, ours.argument_order))
        takes_rows = "positions" in roles and "positions" not in roles_of_ours
        if takes_rows:
            self.before.append(gather_rows(theirs))
            have = f"{theirs.position_axes or 's'}w"
        if {"offset", "offsets"} & set(roles):
            self.before.append(from_offset(roles, theirs))
            have = "bsw" if "offsets" in roles else have
        values = {
            "offset": "0",
            "offsets": f"torch.zeros(batch, dtype=torch.int64, device={self.device})",
        }
        folds = self._folds
        if "positions" in roles_of_ours:
            self._rows_of_tables(roles)
            folds = folds and "positions" not in roles
        self.before += conversion.tables(ours, theirs, folds=folds, axes=have)
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
            have, folds = "s", False
        else:
            folds = self._folds
        self.before += laid_positions(have, self.ours.position_axes or "s", folds)

    def _positions(self, roles: Sequence[str]) -> dict[str, str]:
        """Make our positions, or our tables, of the positions that theirs takes or counts."""
        ours, theirs = self.ours, self.theirs
        if theirs.takes_tables:
            raise Impossible("tables do not tell the positions that ours makes its own of")
        if ours.direction != theirs.direction and not ours.takes_tables:
            raise Impossible("positions cannot turn the other way round")
        roles_of_ours = list(map(role_of, ours.argument_order))
        offset_code = "offset" if "offset" in roles else "0"
        if not ours.takes_tables and ours.positions in ("offset", "from 0"):
            if theirs.positions not in ("offset", "from 0") or (
                offset_code == "offset" and "offset" not in roles_of_ours
            ):
                raise Impossible("it counts rows, and cannot be told positions")
            return {"offset": f"int(offsets[{ROW}])" if self._by_rows else offset_code}
        have = theirs.position_axes or "s"
        if "positions" not in roles:
            first = "offsets[:, None]" if "offsets" in roles else offset_code
            start = "" if first == "0" else f"{first} + "
            self.before.append(f"positions = {start}torch.arange(rows, device={self.device})")
            have = "bs" if "offsets" in roles else "s"
        if not ours.takes_tables:
            self.before += laid_positions(have, ours.position_axes or "s", self._folds)
            return {}
        self.before += made_tables(ours, theirs, have, self.rotating[0], folds=self._folds)
        return {"offset": "0"}

    def _clone(self) -> None:
        """Keep ours from writing into the caller's tensors; what is stacked for it is a copy already."""
        is_stack = self.ours.layout in PACKINGS and self.slots != ["qkv"]
        is_copy = self.theirs.in_place and not self.before[1:]
        if self.ours.in_place and not is_stack and not is_copy:
            self.before.append(assignments(self.rotating, "{}.clone()"))

    def _call(self, values: dict[str, str]) -> list[str]:
        """The lines that call ours, once for all tensors or for one after another."""
        ours, names = self.ours, self.rotating
        roles_of_ours = list(map(role_of, ours.argument_order))
        values = {
            **values,
            "device": self.device,
            "R": str(ours.rotary_dim or self.theirs.rotary_dim or "width"),
        }
        strange_roles = [
            role
            for role in roles_of_ours
            if role_named(role).group == "beside"
            and role not in values
            and not role_named(role).adapter
        ]
        if strange_roles:
            raise Impossible(f"nothing is known of its {', '.join(strange_roles)}")
        slots = [role for role in roles_of_ours if role in TENSORS]
        if slots == ["qkv"] and names != ["qkv"]:
            return self._packed_call(values)
        apart = (
            ours.takes.get("fewer heads in k") is False
            and self.theirs.takes.get("fewer heads in k") is not False
        )
        if len(slots) >= 2 and len(names) == 2 and not apart and not self._by_rows:
            tensors = dict(zip(slots, (*names, "v" if "v" in self.slots else names[-1])))
            call = f"{OURS}({call_of(ours, values | tensors)})"
            index = "[:2]" if len(slots) > 2 else ""
            return [call if ours.in_place else f"{', '.join(names)} = {call}{index}"]
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
        call = f"{OURS}({call_of(self.ours, values)}){first}"
        return f"{name} = torch.cat([\n    {call}\n    for {ROW} in range(batch)\n])"

    def _packed_call(self, values: dict[str, str]) -> list[str]:
        """The lines that call ours with packed q, k and v."""
        axis = PACKINGS[self.ours.layout or ""][1] if self.ours.layout in PACKINGS else None
        if axis is None:
            raise Impossible(f"nothing is known of how {self.ours.layout} is put together")
        if self._joint:
            groups = [("q, k, v", "q, k, v")]
        else:
            groups = [(name, f"{name}, {name}, {name}") for name in self.rotating]
        lines = []
        for names, parts in groups:
            lines.append(f"qkv = torch.stack(({parts}), {axis})")
            call = f"{OURS}({call_of(self.ours, values)})"
            lines.append(call if self.ours.in_place else f"qkv = {call}")
            lines.append(
                f"{names} = qkv.unbind({axis})"
                if "," in names
                else f"{names} = qkv.select({axis}, 0)"
            )
        return lines

    def _end(self, roles: Sequence[str]) -> list[str]:
        """The lines that return the result, and write it into the input if theirs does."""
        result = self.repack or ", ".join(self.slots)
        if not self.theirs.in_place:
            return [f"return {result}"]
        single = self.repack or len(self.slots) == 1
        lines = [f"for one, rotated in zip(given, ({result},)):", "    one.copy_(rotated)"]
        return [*lines, "return given[0]" if single else "return given"]

    def _sizes(self, body: Sequence[str], known_sizes: dict[str, str]) -> list[str]:
        """The lines that name the sizes that other lines use."""
        text = "\n".join(body)
        axes = LAYOUTS[self.layout].axes
        first = "qkv" if self.repack or self.slots == ["qkv"] else self.slots[0]
        if first == "qkv":
            axes = LAYOUTS[self.theirs.layout or "qkv"].axes
        lines = []
        for letter, name in (("b", "batch"), ("s", "rows"), ("d", "width"), ("h", "heads")):
            if name in known_sizes or not _uses(text, name):
                continue
            if letter in axes:
                lines.append(
                    f"{name} = {first}.shape[{axes.index(letter) if letter != 'd' else -1}]"
                )
            elif letter == "b":
                lines.append("batch = 1")
            elif letter == "h" and "e" in axes and ("width" in known_sizes or _uses(text, "width")):
                lines.append(f"heads = {first}.shape[-1] // width")
            else:
                raise Impossible(f"the size {name} is not known")
        return lines


def _uses(text: str, name: str) -> bool:
    """Whether code uses a name."""
    words = "".join(sign if sign.isalnum() or sign == "_" else " " for sign in text)
    return name in words.split()


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
