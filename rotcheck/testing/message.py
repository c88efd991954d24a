"""What a failed assertion says: what is wrong, where and by how much, why, and what to change."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from rotcheck.convention import Convention
from rotcheck.identify.calling.call_shapes import call_with_shapes
from rotcheck.identify.worker_setup import mistakes, why
from rotcheck.measure.spread import Spread
from rotcheck.results import Cell, Explained, Identification, Likeness, Remark

WIDTH = 100
MOST_TRIED = 4
WRONG = "does not rotate as it should"


def of(
    name: str,
    judged: Convention,
    declared: bool,
    wrong: Sequence[Cell],
    off: Mapping[str, Sequence[Spread]],
    mistakes: Sequence[Remark],
) -> str:
    """Return all that is wrong with a function, each thing once."""
    how = "held to the convention it was given" if declared else "identified as"
    parts = [f"{name} {WRONG}", _filled(f"{how}: {_convention(judged)}", "  ")]
    told: set[str] = set()
    for group in _groups(wrong):
        parts.append(_finding(group, off, told))
    parts += [_mistake(one) for one in mistakes if one.demonstration or one.failure not in told]
    return "\n".join(parts)


def _convention(convention: Convention) -> str:
    parts = [f"{convention.pairing} pairing"]
    if convention.direction == -1:
        parts.append("negative direction")
    if convention.output_lanes != "same":
        parts.append(f"{convention.output_lanes} output")
    return f"{', '.join(parts)}, called as {call_with_shapes(convention)}"


def _groups(wrong: Sequence[Cell]) -> list[list[Cell]]:
    """Return cells that say the same, whatever the dtype, together."""
    found: dict[tuple[str, str | None, str | None], list[Cell]] = {}
    for cell in wrong:
        same = cell.failure if cell.verdict == "disagrees" else cell.message
        alike = cell.verdict != "disagrees" or cell.check in ("forward", "backward")
        key = (cell.verdict, same or cell.message, None if alike else cell.check)
        found.setdefault(key, []).append(cell)
    return list(found.values())


def _finding(cells: Sequence[Cell], off: Mapping[str, Sequence[Spread]], told: set[str]) -> str:
    first = cells[0]
    known = f" [{first.failure}]" if first.failure else ""
    lines = [_filled(f"{_where(cells)}: {first.message or first.verdict}{known}", "")]
    lines += [_filled(text, "  ") for text in _figures(cells)]
    if any(cell.check in ("forward", "backward") for cell in cells):
        dtype = next((cell.dtype for cell in cells if off.get(cell.dtype)), None)
        lines += [_filled(str(spread), "  ", "    ") for spread in off.get(dtype or "", ())]
    lines += [_filled(f"at {frame}", "  ") for frame in first.trace[:1]]
    if first.failure and first.failure not in told:
        told.add(first.failure)
        lines += _known(first)
    return "\n".join(["", *lines])


def _where(cells: Sequence[Cell]) -> str:
    checks: dict[str, list[str]] = {}
    for cell in cells:
        checks.setdefault(cell.check, []).append(cell.dtype)
    alike: dict[tuple[str, ...], list[str]] = {}
    for check, dtypes in checks.items():
        alike.setdefault(tuple(dtypes), []).append(check)
    return "; ".join(
        f"{', '.join(checks)} in {', '.join(dtypes)}" for dtypes, checks in alike.items()
    )


def _figures(cells: Sequence[Cell]) -> list[str]:
    """Return the largest error and where it sits, and how many elements are NaN."""
    found = []
    worst = max(cells, key=lambda cell: cell.error or 0.0)
    if worst.error:
        place = (worst.where or {}).items()
        at = ", ".join(
            "qkv"[index] if axis == "qkv" else f"{axis} {index}" for axis, index in place
        )
        steps = f"{worst.error:.0f}" if worst.error < 1e5 else f"{worst.error:.1e}"
        steps = f"{worst.error:.2f}" if worst.error < 100 else steps
        found.append(
            f"off by {steps} rounding steps in {worst.dtype} {worst.check}{f', at {at}' if at else ''}"
        )
    broken = max(cell.not_finite for cell in cells)
    return [
        *found,
        *([f"{broken} elements are NaN or infinite and should not be"] if broken else []),
    ]


def _known(mistake: Explained) -> list[str]:
    more = mistake.failure and f"rotcheck explain {mistake.failure}"
    texts = (("cause", mistake.cause), ("fix", mistake.fix), ("more", more))
    return [_filled(f"{label}: {text}", "  ", "    ") for label, text in texts if text]


def _mistake(one: Remark) -> str:
    known = f" [{one.failure}]" if one.failure else ""
    lines = [
        _filled(f"identified: {one.message}{known}", ""),
        _filled(f"seen: {one.evidence}", "  ", "    "),
    ]
    shown = ["  shown by:", textwrap.indent(one.demonstration, "    ")] if one.demonstration else []
    return "\n".join(["", *lines, *shown, *_known(one)])


def no_rotation(name: str, found: Identification) -> str:
    """Return why there is nothing to judge."""
    builds = found.convention is not None and found.convention.kind == "builds"
    if found.answer == "wrong":
        does = "makes wrong tables" if builds else WRONG
        return "\n".join([f"{name} {does}", *map(_mistake, mistakes(found))])
    if builds:
        return f"{name} makes tables and rotates nothing: `rotcheck context` judges these"
    if found.answer == "right":
        return f"nothing of {name} was checked: there is nothing to hold its values against: {found.message}"
    tried = [_filled(f"- {text}", "  ", "    ") for text in found.tried[:MOST_TRIED]]
    return "\n".join(
        [
            f"{name} was not identified: {why(found)}",
            *tried,
            *(_filled(text, "  ", "    ") for text in found.advice),
            "  Say how it is called: assert_rotates(function, pairing=..., layout=..., tables=..., arguments=...)",
        ]
    )


def nothing_ran(name: str, cells: Iterable[Cell]) -> str:
    """Return why no check was asked of it."""
    reasons = dict.fromkeys(f"{cell.check}: {cell.message}" for cell in cells)
    return "\n".join([f"nothing of {name} was checked", *(f"  {reason}" for reason in reasons)])


def unlike(name: str, found: Likeness, own: Identification, other: Identification) -> str:
    """Return why one function cannot take the place of another, and what would have to change."""
    lines = [f"{name} cannot take the place of {found.other} as it is"]
    for whose, one in ((name, own), (found.other, other)):
        if one.convention is None:
            lines.append(_filled(f"{whose} was not identified: {one.message}", "  ", "    "))
        lines += [_filled(f"{whose}: {remark.message}", "  ", "    ") for remark in mistakes(one)]
    for each in found.differences:
        if each.hard:
            lines.append(
                _filled(
                    f"{each.field}: {each.own} here, {each.other} there: {each.fix}", "  ", "    "
                )
            )
    if found.adapter:
        lines += ["  as code:", textwrap.indent(found.adapter.rstrip(), "    ")]
    return "\n".join(lines)


def _filled(text: str, indent: str, behind: str | None = None) -> str:
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
