"""Is a mistake beyond doubt? The one place that all of them pass through before they are told.

A mistake is told as one if every argument of the call is spoken for, the result depends on what goes in, and a
demonstration shows it. What is in doubt becomes a remark on what was seen, and the answer is `unknown`.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from msgspec import structs

from rotcheck.identify import coordinates, demonstration, idle, spoken
from rotcheck.identify.demonstration import Attempt
from rotcheck.identify.engine import Found
from rotcheck.identify.loading import loading
from rotcheck.identify.remarks import remark
from rotcheck.implementations.load import Target
from rotcheck.measure.case import Sizes
from rotcheck.results import Identification, Remark
from rotcheck.rotary.conventions import Convention, role_of

UNSHOWN = "no call of a few lines shows it"
NEVER_SHOWN = ("raised",)  # for other sizes: the call may have been another
INTERLEAVED = ("complex", "stacked", "matrix")  # tables of which every known taker turns neighbours
SEQUENCES = (0, 1, 0, 1, 2)


def decided(target: Target, found: Found, told: Identification, conventions: Sequence[Convention]) -> Identification:
    """Return what is told of a function, its mistakes only where they are beyond doubt.

    `conventions`: the calls in which a mistake may show, the one by which it is judged first.
    """
    names = spoken.unspoken(found.trier.function, found.convention.arguments)
    idle_ones = idle.arguments_of(found, names) if names else []
    if told.answer != "wrong":
        return _with_idle(told, idle_ones, found.convention)
    doubts = _doubts(found, [name for name in names if name not in idle_ones])
    findings = []
    for one in told.findings:
        shown = None if doubts or not one.mistake else _demonstration(target, found, one, conventions)
        findings.append(_settled(one, doubts, shown))
    kept = structs.replace(told, findings=tuple(findings))
    if kept.answer != "wrong":
        kept = structs.replace(kept, follows=False, advice=(*kept.advice, *_advice(doubts, found.convention)))
    return _with_idle(kept, idle_ones, found.convention)


def _doubts(found: Found, names: Sequence[str]) -> list[str]:
    """Return why a call is not beyond doubt; empty: it is."""
    doubts = [f"nothing speaks for what `{name}` is" for name in names]
    if idle.of_input(found):
        doubts.append("its result does not depend on what it is given: it may make tables")
    return doubts


def _settled(one: Remark, doubts: Sequence[str], shown: str | None) -> Remark:
    """Return a finding as a mistake that is shown, or as what was seen."""
    if not one.mistake:
        return one
    if shown is not None:
        return structs.replace(one, demonstration=shown or None)
    why = doubts[0] if doubts else UNSHOWN
    return structs.replace(one, mistake=False, message=f"seen, and in doubt: {one.message} ({why})")


def _with_idle(told: Identification, names: Sequence[str], convention: Convention) -> Identification:
    if not names:
        return told
    found = [
        remark(
            "idle-argument",
            f"`{name}` changes nothing: the result is the same whatever is handed over",
            "the same call with other values, and with a mask of padding",
            mistake=False,
        )
        for name in names
    ]
    advice = f"say what `{names[0]}` is for, or take it away: {declaration(convention)}"
    return structs.replace(
        told, follows=False, findings=(*told.findings, *found), advice=(*told.advice, advice)
    )


def _advice(doubts: Sequence[str], convention: Convention) -> list[str]:
    """Return what would make a call judgeable."""
    if not doubts:
        return [f"if this is the call, declare it: {declaration(convention)}"]
    return [f"say what it takes: {declaration(convention)}"]


def declaration(convention: Convention) -> str:
    """Return the line above a function that declares the call by which it was tried."""
    arguments = ", ".join(f'"{each}"' for each in convention.called_with)
    parts = [f'pairing="{convention.pairing}"', f'layout="{convention.layout}"', f'tables="{convention.tables}"']
    parts += [f'table_axes="{convention.table_axes}"'] if convention.table_axes else []
    parts += [f'positions="{convention.positions}"'] if convention.tables == "positions" else []
    parts.append(f"arguments=({arguments}{',' if len(convention.called_with) == 1 else ''})")
    return f"@rotcheck.declare({', '.join(parts)})"


def _demonstration(target: Target, found: Found, one: Remark, conventions: Sequence[Convention]) -> str | None:
    """Return Python that shows a mistake; "" where it was shown and cannot be written down; None: nothing shows it."""
    if one.code in NEVER_SHOWN:
        return None
    if found.reading.pairing is None:
        if one.code == "no-convention":
            return None
        conventions = [
            replace(each, pairing="interleaved" if each.tables in INTERLEAVED else each.pairing)
            for each in conventions
        ]
    lines = lines_of(target)
    probe = found.trier.probe
    dtype = torch.bfloat16 if one.message.startswith("in bfloat16") else torch.float32
    tries = demonstration.attempts(conventions, probe.width, probe.heads, dtype)
    if one.code in ("writes-tables", "writes-input"):
        return demonstration.of_writing(lines, tries, tables=one.code == "writes-tables")
    if one.code == "coordinates" and conventions[0].position_axes.startswith("3"):
        return _idle_axis(lines, found, one, conventions[0])
    if one.code == "sequences":
        tries = [
            Attempt(replace(each, positions="any"), Sizes(1, 2, 2, 8, SEQUENCES))
            for each in conventions
            if "cu_seqlens" in map(role_of, each.called_with)
        ]
    if one.code == "offset-ignored":
        own = replace(
            conventions[0], arguments=(*conventions[0].arguments, f"{found.ignored}=offset"), positions="any"
        )
        tries = [
            Attempt(own, Sizes(2, 2, 2, own.head_dim or probe.width, (2, 3, 4)), before=f"{found.ignored}=0")
        ]
    return demonstration.of_value(lines, tries)


def _idle_axis(lines: Sequence[str], found: Found, one: Remark, convention: Convention) -> str | None:
    """Return Python that shows that height, or width, turns nothing."""
    counts = coordinates.sections_of(found.trier.function)
    axis = next(at for at, name in enumerate(coordinates.AXES) if name in one.message)
    if not counts:
        return None
    few = Attempt(convention, Sizes(2, 2, 2, convention.head_dim or found.trier.probe.width, demonstration.FEW))
    try:
        return demonstration.of_axis(lines, few, axis, sum(counts[:axis]))
    except Exception:  # it takes no other sizes
        return None


def lines_of(target: Target) -> list[str]:
    """Return the lines that load a function as `f`."""
    specification = target.specification
    file, colon, name = specification.rpartition(":")
    if file.endswith(".py") and os.path.isabs(file):
        specification = f"{Path(os.path.relpath(file)).as_posix()}{colon}{name}"
    return loading(specification, target.built, target.function)

