"""Lines of code for positions, and for the table rows that belong to them."""

import textwrap
from collections.abc import Sequence

from rotcheck.identify.swapping import conversion
from rotcheck.identify.swapping.call_lines import table_names
from rotcheck.identify.swapping.conversion import LINE_WIDTH, Impossible, assignments
from rotcheck.results import Description


def gather_rows(theirs: Description) -> str:
    """The line that takes the rows of the positions out of a table,
    which is cos and sin behind it."""
    names = table_names(theirs)
    if theirs.table_axes != "sw":
        raise Impossible("the rows of its table are not its first axis")
    return assignments(names, "{}[positions]")


def from_offset(roles: Sequence[str], theirs: Description) -> str:
    """The line that cuts a table to the rows from an offset on,
    or for each row of a batch from its own."""
    names = table_names(theirs)
    if theirs.table_axes not in ("sw", "s1w"):
        raise Impossible("the rows of its table are not its first axis")
    if "offsets" in roles:
        if theirs.table_axes != "sw":
            raise Impossible("each batch row has an offset of its own into a table of more axes")
        return assignments(
            names, "{}[offsets[:, None] + torch.arange(rows, device=offsets.device)]"
        )
    return assignments(names, "{}[offset : offset + rows]")


def laid_positions(have: str, target_axes: str, folds: bool) -> list[str]:
    """The line that puts positions in the axes that are wanted."""
    if set(have + target_axes) - set("bs1"):
        raise Impossible("positions have several coordinates")
    chain = "[0]" if have == "1s" else ""
    if folds:
        chain += ".flatten()" if "b" in have else ".repeat(batch)"
    rows = "b" in have and not folds
    if "b" in target_axes and not rows:
        chain += "[None]" if folds else ".expand(batch, -1)"
    elif target_axes == "1s":
        chain += "[None]"
    if rows and "b" not in target_axes:
        raise Impossible("it takes the same positions for all rows of a batch")
    return [f"positions = positions{chain}"] if chain else []


def _frequencies(theirs: Description) -> str:
    """The line that makes the frequencies by which theirs turns."""
    device = "device=positions.device"
    if theirs.frequencies:
        values = textwrap.fill(", ".join(map(repr, theirs.frequencies)), LINE_WIDTH)
        return f"frequencies = torch.tensor(\n[{values}],\ndtype=torch.float64,\n{device},\n)"
    if theirs.theta is None:
        raise Impossible("its frequencies are not known")
    lanes = theirs.rotary_dim or theirs.head_dim or "width"
    return f"frequencies = {theirs.theta!r} ** (-torch.arange(0, {lanes}, 2, dtype=torch.float64, {device}) / {lanes})"


def made_tables(
    ours: Description, theirs: Description, axes: str, tensor: str, *, folds: bool
) -> list[str]:
    """The lines that make our tables of positions with these axes, by the frequencies of theirs.

    `tensor`: the name of one that is rotated. Raises `Impossible`.
    """
    factor = f" * {theirs.amplitude!r}" if theirs.amplitude else ""
    half_width = Description(
        kind="applies", tables="half-width", table_axes=f"{axes}w", direction=theirs.direction
    )
    return [
        _frequencies(theirs),
        "angles = positions.double()[..., None] * frequencies",
        f"cos, sin = angles.cos(){factor}, angles.sin(){factor}",
        assignments(["cos", "sin"], f"{{}}.to({tensor}.dtype)"),
        *conversion.tables(ours, half_width, folds=folds),
    ]
