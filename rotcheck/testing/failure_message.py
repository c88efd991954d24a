"""What a failed assertion says: what is wrong, where and by how much, why, and what to change."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from rotcheck.convention import Convention
from rotcheck.grouping import group_by
from rotcheck.identify.calling.call_shapes import call_with_shapes
from rotcheck.identify.worker_setup import why
from rotcheck.results import Cell, Explainable, Identification, Likeness, Remark, mistakes

WIDTH = 100
MOST_TRIED = 4
WRONG = "does not rotate as it should"


def of(
    name: str,
    convention: Convention,
    declares: bool,
    wrong: Sequence[Cell],
    off: Mapping[str, Sequence[str]],
    mistakes: Sequence[Remark],
) -> str:
    """All that is wrong with a function, each thing once."""
    how = "judged by the convention it was given" if declares else "identified as"
    parts = [f"{name} {WRONG}", _fill(f"{how}: {_convention(convention)}", "  ")]
    explained_failures: set[str] = set()
    for group in group_by(wrong, _finding_key).values():
        parts.append(_finding(group, off, explained_failures))
    parts += [
        _mistake(remark)
        for remark in mistakes
        if remark.demonstration or remark.failure not in explained_failures
    ]
    return "\n".join(parts)


def _convention(convention: Convention) -> str:
    parts = [f"{convention.pairing} pairing"]
    if convention.direction == -1:
        parts.append("negative direction")
    if convention.output_lanes != "same":
        parts.append(f"{convention.output_lanes} output")
    return f"{', '.join(parts)}, called as {call_with_shapes(convention)}"


def _finding_key(cell: Cell) -> tuple[str, str | None, str | None]:
    """What cells that say the same have in common, whatever the dtype."""
    finding = cell.failure if cell.verdict == "disagrees" else cell.message
    alike = cell.verdict != "disagrees" or cell.check in ("forward", "backward")
    return cell.verdict, finding or cell.message, None if alike else cell.check


def _finding(
    cells: Sequence[Cell], off: Mapping[str, Sequence[str]], explained_failures: set[str]
) -> str:
    first = cells[0]
    code = f" [{first.failure}]" if first.failure else ""
    lines = [_fill(f"{_where(cells)}: {first.message or first.verdict}{code}", "")]
    lines += [_fill(text, "  ") for text in _figures(cells)]
    if any(cell.check in ("forward", "backward") for cell in cells):
        dtype = next((cell.dtype for cell in cells if off.get(cell.dtype)), None)
        lines += [_fill(spread, "  ", "    ") for spread in off.get(dtype or "", ())]
    lines += [_fill(f"at {frame}", "  ") for frame in first.trace[:1]]
    if first.failure and first.failure not in explained_failures:
        explained_failures.add(first.failure)
        lines += _explanation(first)
    return "\n".join(["", *lines])


def _where(cells: Sequence[Cell]) -> str:
    cells_of = group_by(cells, lambda cell: cell.check)
    dtypes_of = {check: tuple(cell.dtype for cell in cells_of[check]) for check in cells_of}
    places = group_by(dtypes_of, lambda check: dtypes_of[check])
    return "; ".join(
        f"{', '.join(checks)} in {', '.join(dtypes)}" for dtypes, checks in places.items()
    )


def _figures(cells: Sequence[Cell]) -> list[str]:
    """The largest error and where it sits, and how many elements are NaN."""
    lines = []
    worst = max(cells, key=lambda cell: cell.error or 0.0)
    if worst.error:
        place = (worst.where or {}).items()
        at = ", ".join(
            "qkv"[index] if axis == "qkv" else f"{axis} {index}" for axis, index in place
        )
        digits = ".2f" if worst.error < 100 else ".0f" if worst.error < 1e5 else ".1e"
        off = f"off by {worst.error:{digits}} rounding steps in {worst.dtype} {worst.check}"
        lines.append(f"{off}, at {at}" if at else off)
    not_finite = max(cell.not_finite for cell in cells)
    if not_finite:
        lines.append(f"{not_finite} elements are NaN or infinite and should not be")
    return lines


def _explanation(mistake: Explainable) -> list[str]:
    more = mistake.failure and f"rotcheck explain {mistake.failure}"
    texts = (("cause", mistake.cause), ("fix", mistake.fix), ("more", more))
    return [_fill(f"{label}: {text}", "  ", "    ") for label, text in texts if text]


def _mistake(remark: Remark) -> str:
    code = f" [{remark.failure}]" if remark.failure else ""
    lines = ["", _fill(f"identified: {remark.message}{code}", "")]
    lines.append(_fill(f"seen: {remark.evidence}", "  ", "    "))
    if remark.demonstration:
        lines += ["  shown by:", textwrap.indent(remark.demonstration, "    ")]
    return "\n".join([*lines, *_explanation(remark)])


def no_rotation(name: str, identification: Identification) -> str:
    """Why there is nothing to judge."""
    builds = identification.convention is not None and identification.convention.kind == "builds"
    if identification.answer == "wrong":
        does = "makes wrong tables" if builds else WRONG
        return "\n".join([f"{name} {does}", *map(_mistake, mistakes(identification))])
    if builds:
        return f"{name} makes tables and rotates nothing: `rotcheck context` judges these"
    if identification.answer == "right":
        return f"nothing of {name} was checked: there is nothing to compare its values with: {identification.message}"
    attempts = [_fill(f"- {text}", "  ", "    ") for text in identification.tried[:MOST_TRIED]]
    return "\n".join(
        [
            f"{name} was not identified: {why(identification)}",
            *attempts,
            *(_fill(text, "  ", "    ") for text in identification.advice),
            "  Say how it is called: assert_rotates(function, pairing=..., layout=..., tables=..., arguments=...)",
        ]
    )


def nothing_ran(name: str, cells: Iterable[Cell]) -> str:
    """Why no check was asked of it."""
    reasons = dict.fromkeys(f"{cell.check}: {cell.message}" for cell in cells)
    return "\n".join([f"nothing of {name} was checked", *(f"  {reason}" for reason in reasons)])


def unlike(name: str, likeness: Likeness, ours: Identification, theirs: Identification) -> str:
    """Why one function cannot take the place of another, and what would have to change."""
    lines = [f"{name} cannot take the place of {likeness.other} as it is"]
    texts = []
    for owner, identification in ((name, ours), (likeness.other, theirs)):
        if identification.convention is None:
            texts.append(f"{owner} was not identified: {identification.message}")
        texts += [f"{owner}: {remark.message}" for remark in mistakes(identification)]
    texts += [
        f"{difference.field}: {difference.own} here, {difference.other} there: {difference.fix}"
        for difference in likeness.differences
        if difference.hard
    ]
    lines += [_fill(text, "  ", "    ") for text in texts]
    if likeness.adapter:
        lines += ["  as code:", textwrap.indent(likeness.adapter.rstrip(), "    ")]
    return "\n".join(lines)


def _fill(text: str, indent: str, behind: str | None = None) -> str:
    whole = " ".join(text.split())
    behind = f"{indent}  " if behind is None else behind
    return textwrap.fill(
        whole,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=behind,
        break_long_words=False,
        break_on_hyphens=False,
    )
