"""Code of a function with the other's signature, that does what the other does by calling ours."""

import textwrap
from collections.abc import Sequence

from rotcheck.convention import LAYOUTS, role_named, role_of
from rotcheck.identify.swapping import conversion, maker_adapter
from rotcheck.identify.swapping.call_lines import (
    NAME,
    OURS,
    TENSORS,
    call_of,
    signature,
)
from rotcheck.identify.swapping.conversion import PACKINGS, Impossible, assignments
from rotcheck.identify.swapping.position_lines import (
    from_offset,
    gather_rows,
    laid_positions,
    made_tables,
)
from rotcheck.identify.swapping.tensor_changes import TensorChanges
from rotcheck.results import Description

ROW = "row"  # of a batch, in code


def adapter(ours: Description, theirs: Description) -> str | None:
    """The function as code, in which ours is called `ours`; None: nothing
    is known that would do."""
    try:
        return (
            maker_adapter.code(ours, theirs)
            if ours.kind == "builds"
            else _Swap(ours, theirs).code()
        )
    except Impossible:
        return None


class _Swap(TensorChanges):
    """The way from the other's call to ours and back."""

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
            *self._end(),
        ]
        lines = [*self._sizes(body, sizes), *body]
        text = textwrap.indent("\n".join(lines), "    ")
        return f"import torch\n\n\ndef {NAME}({parameters}):\n{text}\n"

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
            raise Impossible("tables do not say the positions that ours needs")
        if ours.direction != theirs.direction and not ours.takes_tables:
            raise Impossible("positions cannot turn the other way round")
        roles_of_ours = list(map(role_of, ours.argument_order))
        offset_code = "offset" if "offset" in roles else "0"
        if not ours.takes_tables and ours.positions in ("offset", "from 0"):
            if theirs.positions not in ("offset", "from 0") or (
                offset_code == "offset" and "offset" not in roles_of_ours
            ):
                raise Impossible("it counts rows, and takes no positions")
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
        """Keep ours from writing into the caller's tensors;
        what is stacked for it is a copy already."""
        is_stack = self.ours.layout in PACKINGS and self.slots != ["qkv"]
        is_copy = self.theirs.in_place and not self.before[1:]
        if self.ours.in_place and not is_stack and not is_copy:
            self.before.append(assignments(self.rotating, "{}.clone()"))

    def _call(self, values: dict[str, str]) -> list[str]:
        """The lines that call ours, once for all tensors or for one after another."""
        ours, names = self.ours, self.rotating
        lanes = str(ours.rotary_dim or self.theirs.rotary_dim or "width")
        values = {**values, "device": self.device, "R": lanes}
        roles = list(map(role_of, ours.argument_order))
        strange_roles = [
            role
            for role in roles
            if role_named(role).group == "beside"
            and role not in values
            and not role_named(role).adapter
        ]
        if strange_roles:
            raise Impossible(f"nothing is known of its {', '.join(strange_roles)}")
        slots = [role for role in roles if role in TENSORS]
        if slots == ["qkv"] and names != ["qkv"]:
            return self._packed_call(values)
        apart = (
            ours.takes.get("fewer heads in k") is False
            and self.theirs.takes.get("fewer heads in k") is not False
        )
        if len(slots) >= 2 and len(names) == 2 and not apart and not self._by_rows:
            tensors = (*names, "v" if "v" in self.slots else names[-1])
            index = "[:2]" if len(slots) > 2 else ""
            return [self._line(", ".join(names), values | dict(zip(slots, tensors)), index)]
        first = "[0]" if len(slots) > 1 else ""
        if self._by_rows:
            row = f"[{ROW} : {ROW} + 1]"
            return [
                f"{name} = torch.cat([\n    {self._code(values | dict.fromkeys(slots, name + row))}{first}"
                f"\n    for {ROW} in range(batch)\n])"
                for name in names
            ]
        return [self._line(name, values | dict.fromkeys(slots, name), first) for name in names]

    def _code(self, values: dict[str, str]) -> str:
        """The call of ours with these values."""
        return f"{OURS}({call_of(self.ours, values)})"

    def _line(self, names: str, values: dict[str, str], index: str = "") -> str:
        """The line that calls ours and gives its result these names,
        unless that is written in place."""
        code = self._code(values)
        return code if self.ours.in_place else f"{names} = {code}{index}"

    def _packed_call(self, values: dict[str, str]) -> list[str]:
        """The lines that call ours with packed q, k and v."""
        axis = PACKINGS[self.ours.layout or ""][1] if self.ours.layout in PACKINGS else None
        if axis is None:
            raise Impossible(f"nothing is known of how {self.ours.layout} is put together")
        if self._joint:
            return [
                f"qkv = torch.stack((q, k, v), {axis})",
                self._line("qkv", values),
                f"q, k, v = qkv.unbind({axis})",
            ]
        lines = []
        for name in self.rotating:
            lines.append(f"qkv = torch.stack(({name}, {name}, {name}), {axis})")
            lines.append(self._line("qkv", values))
            lines.append(f"{name} = qkv.select({axis}, 0)")
        return lines

    def _end(self) -> list[str]:
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
