"""Everything in which two conventions may differ, each with its words and what makes up for it."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from rotcheck.convention import FORMS, order_words, role_of, shape
from rotcheck.convention.table_forms import NO_TABLES
from rotcheck.identify.swapping import call_lines, conversion, fixes
from rotcheck.identify.swapping.angle_differences import NEVER
from rotcheck.identify.swapping.tensor_changes import NARROWER
from rotcheck.results import Description, Difference


@dataclasses.dataclass(frozen=True)
class Conversion:
    """One thing in which two conventions may differ.

    Args:
        field: its name.
        fix: what makes up for it, of ours and theirs.
        absent: what is said of one that has nothing there.
        words: what one has there; where None, the field of its convention.
        differs: whether ours and theirs differ in it; where None, by their words.
        hard: whether something has to be done.
    """

    field: str
    fix: str | Callable[[Description, Description], str]
    absent: str = "unknown"
    words: Callable[[Description], object] | None = None
    differs: Callable[[Description, Description], bool] | None = None
    hard: bool = True

    def difference(self, ours: Description, theirs: Description) -> Difference | None:
        """How two differ in it; None: they do not."""
        own, other = self._say(ours), self._say(theirs)
        if not (self.differs(ours, theirs) if self.differs else own != other):
            return None
        fix = self.fix if isinstance(self.fix, str) else self.fix(ours, theirs)
        return Difference(field=self.field, own=own, other=other, fix=fix, hard=self.hard)

    def _say(self, description: Description) -> str:
        words = self.words(description) if self.words else getattr(description, self.field)
        return str(words or self.absent)


def differences(
    ours: Description, theirs: Description, table: Sequence[Conversion]
) -> list[Difference]:
    """How two conventions differ in the things of a table."""
    return [change for entry in table if (change := entry.difference(ours, theirs)) is not None]


def _say_tables(description: Description) -> str:
    order = order_words(description.table_lanes, " ")
    axes = ""
    if description.table_axes:
        lanes = "D" if description.table_lanes else "D/2"
        tail = FORMS.get(description.tables or "", NO_TABLES).tail
        axes = shape(description.table_axes, lanes, tail)  # (S, 1, D/2)
    return f"{description.tables}{order} {axes}".rstrip()


def _say_arguments(description: Description) -> str:
    return ", ".join(description.argument_order)


def _other_arguments(ours: Description, theirs: Description) -> bool:
    takes_offset = "offset" in map(role_of, theirs.argument_order)
    return _arguments(ours, offset=takes_offset) != _arguments(theirs, offset=True)


def _arguments(description: Description, *, offset: bool) -> tuple[str, ...]:
    """The role of each argument; a single tensor has one name whether it is called x, q or k.

    `offset`: with an offset by keyword, which has a default.
    """
    arguments = description.argument_order
    tensors = [role for role in map(role_of, arguments) if role in ("q", "k", "v", "x")]
    single = tensors if len(tensors) == 1 else []
    return tuple(
        "x" if role in single else role
        for role in arguments
        if offset or not role.endswith("=offset")
    )


def refusals(ours: Description, theirs: Description) -> Iterator[Difference]:
    """What the other takes beside the usual, and ours refuses."""
    abilities = (ability for ability, does in theirs.takes.items() if does)
    refused = [ability for ability in abilities if ours.takes.get(ability) is False]
    fix = "do without, or convert before the call"
    if NARROWER in refused:
        fix = fixes.rotate_first(ours, "cos.shape[-1]")
    if "fewer heads in k" in refused:
        fix = "q, k = ours(q, q, ...)[0], ours(k, k, ...)[0]  # k apart, where it has fewer heads"
    if refused:
        own = f"not {', '.join(refused)}"
        yield Difference(field="takes", own=own, other="takes them", fix=fix, hard=False)


_TABLES = Conversion(
    "tables",
    fixes.swap_tables,
    words=_say_tables,
    differs=lambda ours, theirs: not conversion.same_tables(ours, theirs),
)

OF_VALUES = (
    Conversion("sections", NEVER, "none"),
    Conversion("blocks", NEVER, "none"),
    Conversion("pairing", fixes.permute),
    Conversion("direction", fixes.reverse),
    Conversion("output_lanes", fixes.reorder),
    Conversion("rotary_dim", fixes.narrow, "all"),
    Conversion(
        "head_dim",
        lambda _, theirs: f"build it for heads of {theirs.head_dim} lanes",
        differs=lambda ours, theirs: _both_known(ours.head_dim, theirs.head_dim),
    ),
    Conversion(
        "head_dim",
        "build it for as many lanes as your heads have",
        "any",
        differs=lambda ours, theirs: bool(ours.head_dim and not theirs.head_dim),
        hard=False,
    ),
    Conversion(
        "rotates_v",
        "v = v.clone()  # before the call, and put it back after it",
        "no",
        words=lambda description: description.rotates_v and "yes",
    ),
)
"""What changes the values of a model that was trained with the other."""


def of_calls(name: str, other_name: str) -> tuple[Conversion, ...]:
    """What has to be converted around a call; both functions by their names."""
    return (
        Conversion(
            "layout",
            partial(fixes.lay_out, name, other_name),
            "any",
            differs=lambda ours, theirs: ours.layout not in (None, theirs.layout),
        ),
        _TABLES,
        Conversion(
            "positions",
            lambda ours, _: fixes.POSITIONS.get(
                ours.positions or "", "it has positions of its own"
            ),
            differs=lambda ours, theirs: (
                ours.positions != theirs.positions and "positions" in (ours.tables, theirs.tables)
            ),
        ),
        Conversion(
            "arguments",
            lambda ours, _: f"{call_lines.OURS}({call_lines.call_of(ours)})",
            "",
            words=_say_arguments,
            differs=_other_arguments,
        ),
        Conversion(
            "in_place",
            lambda ours, _: (
                "q, k = q.clone(), k.clone()  # before the call"
                if ours.in_place
                else "q.copy_(result)"
            ),
            "no",
            words=lambda description: description.in_place and "yes",
        ),
        Conversion(
            "dtype_rule",
            "expect differences of a rounding step; cast the result where the dtype differs",
            differs=lambda ours, theirs: _both_known(ours.dtype_rule, theirs.dtype_rule),
            hard=False,
        ),
    )


OF_MAKERS = (
    dataclasses.replace(_TABLES, fix=lambda ours, theirs: fixes.swap_tables(theirs, ours)),
    Conversion(
        "order",
        lambda ours, theirs: (
            "cos, sin = sin, cos"
            if "sin, cos" in (ours.order, theirs.order)
            else "take cos and sin apart"
        ),
        differs=lambda ours, theirs: ours.order != theirs.order and ours.tables == theirs.tables,
    ),
    Conversion(
        "positions",
        lambda ours, _: (
            "cos, sin = cos[positions], sin[positions]"
            if ours.positions == "from 0"
            else "positions = torch.arange(rows)"
        ),
    ),
    Conversion(
        "arguments",
        lambda ours, _: f"{call_lines.OURS}({_say_arguments(ours)})",
        "",
        words=_say_arguments,
    ),
    Conversion("dtype_rule", "cos, sin = cos.to(dtype), sin.to(dtype)", "?", hard=False),
)
"""What tells the tables apart that two functions make."""


def _both_known(own: object, other: object) -> bool:
    """Whether two have something there, and not the same."""
    return bool(own and other) and own != other
