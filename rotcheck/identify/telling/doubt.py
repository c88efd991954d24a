"""Is a mistake beyond doubt? The one place that all of them pass through before they are told.

A mistake is told as one if every argument of the call is spoken for, the result depends on what goes in, and a
demonstration shows it. What is in doubt becomes a remark on what was seen, and the answer is `unknown`.
"""

import os
from collections.abc import Sequence
from dataclasses import replace

import torch
from msgspec import structs

from rotcheck.convention import Convention, role_of
from rotcheck.convention import coordinates as count
from rotcheck.identify.asking import (
    context_parallel,
    grouped_heads,
    head_widths,
    idle_arguments,
    last_lanes,
    object_sections,
    packed_sequences,
    padding_mask,
    point_coordinates,
    stores_outside,
)
from rotcheck.identify.asking import earlier_calls as kept_calls
from rotcheck.identify.asking.gradients import BY_DATA
from rotcheck.identify.asking.single_row import POSITION, with_any_position
from rotcheck.identify.calling import documented_shapes, role_evidence
from rotcheck.identify.calling.argument_roles import TENSORS
from rotcheck.identify.calling.documented_layout import documented_layout
from rotcheck.identify.calling.match import Match
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.making import grid_calls, grid_layout
from rotcheck.identify.remarks import remark
from rotcheck.identify.telling import demonstration
from rotcheck.identify.telling.demonstration import Attempt, Source
from rotcheck.identify.telling.loading_lines import loading
from rotcheck.identify.telling.next_step import typed
from rotcheck.implementations.target import Target
from rotcheck.measure.case import Sizes
from rotcheck.results import Identification, Remark
from rotcheck.rotary.tables import has_float64

AGAIN = "by its names it turns what was turned before, by a difference of positions"
UNSHOWN = "no call of a few lines shows it"
NEVER_SHOWN = ("raised",)  # for other sizes: the call may have been another
CPU = torch.device("cpu")
INTERPRETED = [
    "import contextlib",
    "import os",
    "",
    'os.environ["TRITON_INTERPRET"] = "1"',
    "",
    "import torch",
    "",
    "torch.cuda.device = lambda index: contextlib.nullcontext()",
]
SEQUENCES = (0, 1, 0, 1, 2)
UNSORTED = (3, 1, 0, 2)
NARROW = 4  # lanes that tables are for


def decided(
    target: Target, found: Match, told: Identification, conventions: Sequence[Convention]
) -> Identification:
    """Return what is told of a function, its mistakes only where they are beyond doubt.

    `conventions`: the calls in which a mistake may show, the one by which it is judged first.
    """
    names = role_evidence.arguments_without_evidence(
        found.caller.function, found.convention.arguments
    )
    mask = padding_mask.must_move(found)
    idle_ones = idle_arguments.idle_arguments(found, [*names, *([mask] if mask else [])])
    idle_ones += idle_arguments.unread_ranks(found.caller.function)
    if told.answer != "wrong":
        return _with_idle(told, idle_ones, found)
    doubts = _doubts(found, [name for name in names if name not in idle_ones])
    findings = []
    for one in told.findings:
        every = _sure(conventions, target) if one.code == "per-batch" else conventions
        why = doubts or _doubts_of(one, found, target)
        shown = None if why or not one.mistake else _demonstration(target, found, one, every)
        if one.code == "one-row" and not why and shown is None:
            # a function loaded anew turns one row rightly: this one keeps something of an earlier
            # call
            continue
        findings.append(settled(one, why, shown, written=":" in target.specification))
    if not doubts and not any(one.mistake for one in findings):
        earlier = kept_calls.of_earlier_call(
            source_of(target), conventions, found.caller.probe.width
        )
        if earlier:
            findings = [
                settled(earlier, (), earlier.demonstration, written=":" in target.specification)
            ]
    kept = structs.replace(told, findings=tuple(findings))
    if any(one.mistake for one in told.findings) and not findings:
        kept = structs.replace(kept, follows=told.message is None)
    elif kept.answer != "wrong":
        advice = f"say above the function what it takes: {declaration(found, names)}"
        kept = in_doubt(told, kept, advice)
    return _with_idle(kept, idle_ones, found)


def in_doubt(told: Identification, settled: Identification, advice: str) -> Identification:
    """Return what is told where no mistake is beyond doubt: the first of them is why it is not understood."""
    first = next(now for was, now in zip(told.findings, settled.findings) if was.mistake)
    reason = settled.message or first.message
    return structs.replace(settled, follows=False, message=reason, advice=(*settled.advice, advice))


def _doubts(found: Match, names: Sequence[str]) -> list[str]:
    """Return why a call is not beyond doubt; empty: it is."""
    sides = grid_calls.side_names(found.caller.function)
    doubts = [f"nothing speaks for what `{name}` is" for name in names if name not in sides]
    convention = found.convention
    real = "table" in map(role_of, convention.arguments) and convention.form.usual_pairing is None
    if real and role_evidence.says_complex(found.caller.function, convention.arguments):
        doubts.append(f"its table is said to be complex, and was tried as {convention.tables}")
    axes = point_coordinates.speaks_of_axes(found.caller.function) and "positions" in map(
        role_of, convention.arguments
    )
    if axes and not count(convention.position_axes):
        doubts.append("it speaks of positions (3, ...), and was called with others")
    if role_evidence.rotates_again(found.caller.function):
        doubts.append(AGAIN)
    # another layout may be right
    if found.cut_short and (found.response.mixes or found.response.uneven):
        doubts.append("the search ended before all other calls were tried")
    if idle_arguments.ignores_input(found):
        doubts.append("its result does not depend on what it is given: it may make tables")
    return doubts


def _doubts_of(one: Remark, found: Match, target: Target) -> list[str]:
    """Return why one mistake is in doubt in a call that is not; empty: it is not."""
    if one.code == "per-batch" and not _for_each_row(found, target):
        return ["nothing says that its tables may have rows for each batch row"]
    if one.message.startswith(
        packed_sequences.ROW_BY_ROW
    ) and not packed_sequences.rows_are_positions(found):
        return ["nothing says that its tables have a row for each position"]
    if one.message.startswith(point_coordinates.EXCHANGE) and not point_coordinates.says_order(
        found.caller.function
    ):
        return ["nothing says that its positions are time, height and width, in this order"]
    if one.message.startswith(last_lanes.LAST):
        return ["its docstring may be what is wrong"]
    if one.code == "context-parallel" and not context_parallel.says_tokens(target.function):
        return ["nothing says which rows its tables have"]
    return []


def _for_each_row(found: Match, target: Target) -> bool:
    """Return whether a function takes positions or tables for each batch row, and not just the first of them.

    A kernel that reads tables (S, W) from memory takes (B, S, W) too.
    """
    every = [found.convention, *(each.convention for each in found.alternatives)]
    batched = [len(each.table_axes) for each in every if "b" in each.table_axes]
    fewer = [len(each.table_axes) for each in every if "b" not in each.table_axes]
    if not batched or not fewer or min(fewer) >= min(batched):
        return True
    told = documented_shapes.axes_by_role(target.function, found.convention.arguments)
    return any("b" in axes for role, axes in told.items() if role not in (*TENSORS, "positions"))


def _sure(conventions: Sequence[Convention], target: Target) -> list[Convention]:
    """Return the calls of which it is known where the batch lies: (S, B, ...) only where that is said."""
    said = documented_layout(target.function)
    return [
        each for each in conventions if each.layout != "sbhd" or (said and said.layout == "sbhd")
    ]


def settled(
    one: Remark, doubts: Sequence[str], shown: str | None, *, written: bool = True
) -> Remark:
    """Return a finding as a mistake that is shown, or as what was seen; `written`: others can run what shows it."""
    if not one.mistake:
        return one
    if shown is not None:
        return structs.replace(one, demonstration=shown if written else None)
    why = doubts[0] if doubts else UNSHOWN
    return structs.replace(one, mistake=False, message=f"seen, and in doubt: {one.message} ({why})")


def _with_idle(told: Identification, names: Sequence[str], found: Match) -> Identification:
    if not names:
        return told
    counts = found.convention.positions == "from 0"
    why = (
        {padding_mask.mask_of(found): "a padded row turns as if it began with its padding"}
        if counts
        else {}
    )
    idle_ones = [
        remark(
            "idle-argument",
            f"`{name}` changes nothing: {why.get(name, 'the result is the same whatever is handed over')}",
            "the same call with other values, and with a mask of padding",
            mistake=False,
        )
        for name in names
    ]
    advice = f"give `{names[0]}` an effect, or take it away"
    return structs.replace(
        told,
        follows=False,
        findings=(*told.findings, *idle_ones),
        message=told.message or idle_ones[0].message,
        advice=(*told.advice, advice),
    )


def declaration(found: Match, names: Sequence[str] = ()) -> str:
    """Return the line above a function that declares the call; `names`: arguments of which nobody knows the role."""
    convention = found.convention
    known = [one.name for one in parameters(found.caller.function) or ()]
    roles = [
        "..." if at < len(known) and known[at] in names else role
        for at, role in enumerate(convention.called_with)
    ]
    parts = [
        f'pairing="{convention.pairing}"',
        f'layout="{convention.layout}"',
        f'tables="{convention.tables}"',
    ]
    parts += [f'table_axes="{convention.table_axes}"'] if convention.table_axes else []
    parts += [f'positions="{convention.positions}"'] if convention.tables == "positions" else []
    arguments = ", ".join(f'"{each}"' for each in roles)
    parts.append(f"arguments=({arguments}{',' if len(roles) == 1 else ''})")
    return f"@rotcheck.declare({', '.join(parts)})"


def _demonstration(
    target: Target, found: Match, one: Remark, conventions: Sequence[Convention]
) -> str | None:
    """Return Python that shows a mistake; None: nothing shows it."""
    if one.code in NEVER_SHOWN:
        return None
    if target.narrow is not None and one.message.startswith("in bfloat16"):
        target = target.narrow()
    if found.reading.pairing is None:
        nearest = found.defect
        if one.code == "no-convention" and (nearest.vague or not nearest.words):
            return None
        pairing = nearest.pairing if nearest.words else conventions[0].pairing
        conventions = [
            replace(each, pairing=each.form.usual_pairing or pairing) for each in conventions
        ]
    for device in dict.fromkeys((CPU, found.caller.device)):
        shown = _on_device(source_of(target, device), found, one, conventions)
        if shown:
            return shown
    return None


def _on_device(
    source: Source, found: Match, one: Remark, conventions: Sequence[Convention]
) -> str | None:
    probe = found.caller.probe
    dtype = torch.bfloat16 if one.message.startswith("in bfloat16") else torch.float32
    tries = demonstration.attempts(conventions, probe.width, probe.heads, dtype)
    if one.message.startswith(BY_DATA):
        return demonstration.of_gradient(source, tries)
    if one.code in ("writes-tables", "writes-input"):
        return demonstration.of_writing(source, tries, tables=one.code == "writes-tables")
    if one.code == "positions-ignored":
        sizes = Sizes(2, 2, 2, conventions[0].head_dim or 8, UNSORTED)
        tries += [
            Attempt(each, sizes, rows=len(UNSORTED))
            for each in conventions
            if each.tables != "positions"
        ]
    if one.code == "per-batch":
        sizes, rows = Sizes(2, 2, 2, 8, demonstration.FEW), 4 * len(demonstration.FEW)
        tries += [
            Attempt(each, sizes, rows=rows) for each in conventions if each.table_axes == "sw"
        ]
    if one.code == "writes-outside":
        lanes = dict.fromkeys((probe.width, *stores_outside.WIDTHS))
        every = [Sizes(2, 2, 2, width, demonstration.FEW) for width in lanes]
        any_width = replace(conventions[0], head_dim=None)
        tries = [Attempt(any_width, each) for each in every]
        slots = range(len(conventions[0].slots))
        return next(
            filter(None, (demonstration.of_outside(source, tries, slot) for slot in slots)), None
        )
    if one.code == "one-row":
        few = Sizes(2, 2, 2, conventions[0].head_dim or probe.width, (POSITION,))
        apart = replace(few, positions=((POSITION,), (POSITION + 1,)))
        tries = [Attempt(with_any_position(conventions[0]), each) for each in (few, apart)]
        return demonstration.of_value(source, tries)
    if one.code == "head-width":
        odd = Sizes(1, 2, 2, head_widths.ODD[0], demonstration.FEW)
        return demonstration.of_value(
            source, [Attempt(replace(conventions[0], head_dim=None), odd)]
        )
    if one.code == "grid-exchanged":
        return _grid(source, found)
    if one.code == "context-parallel":
        return context_parallel.snippet(source, found)
    if one.code == "gqa":
        tries = [
            Attempt(each, Sizes(1, grouped_heads.HEADS, few, each.head_dim or 8, demonstration.FEW))
            for each in conventions[:1]
            for few in grouped_heads.GROUPS
        ]
        small = [
            replace(each, sizes=replace(each.sizes, heads=2, kv_heads=1)) for each in tries[:1]
        ]
        return (
            demonstration.of_outside(source, small, slot=1)
            or demonstration.of_value(source, tries)
            or demonstration.of_writing(source, tries, tables=False)
        )
    if one.code == "rotary-dim" and found.convention.rotary_dim is None:
        narrow = [replace(each, rotary_dim=NARROW) for each in conventions]
        tries = demonstration.attempts(narrow, probe.width, probe.heads, dtype)
    if one.code == "coordinates" and conventions[0].position_axes.startswith("3"):
        return _idle_axis(source, found, one, conventions[0])
    if one.code == "sequences":
        tries = [
            Attempt(replace(each, positions="any"), Sizes(1, 2, 2, 8, SEQUENCES))
            for each in conventions
            if "cu_seqlens" in map(role_of, each.called_with)
        ]
        tries += [
            replace(each, rows=packed_sequences.ROWS)
            for each in tries
            if each.convention.tables != "positions"
        ]
    if one.code == "offset-ignored":
        own = replace(
            conventions[0],
            arguments=(*conventions[0].arguments, f"{found.idle_offset}=offset"),
            positions="any",
        )
        tries = [
            Attempt(
                own,
                Sizes(2, 2, 2, own.head_dim or probe.width, (2, 3, 4)),
                before=f"{found.idle_offset}=0",
            )
        ]
    return demonstration.of_value(source, tries)


def _grid(source: Source, found: Match) -> str | None:
    """Return Python that shows that two squares of one row turn by other angles of the row."""
    angles = found.reading.angles
    square = grid_layout.layout_of(angles) if angles is not None else None
    if square is None:
        return None
    probe = found.caller.probe
    sizes = Sizes(2, 2, 2, probe.width, tuple(range(grid_layout.SQUARES)))
    try:
        return demonstration.of_grid(
            source, Attempt(found.convention, sizes), square.rows[0], grid_layout.HIGH
        )
    except Exception:  # no plain formula is known for its call
        return None


def _idle_axis(source: Source, found: Match, one: Remark, convention: Convention) -> str | None:
    """Return Python that shows that height, or width, turns nothing."""
    axis = next(at for at, name in enumerate(object_sections.AXES) if name in one.message)
    pair = object_sections.first_pair(found.caller.function, axis)
    if pair is None:
        return None
    few = Attempt(
        convention,
        Sizes(2, 2, 2, convention.head_dim or found.caller.probe.width, demonstration.FEW),
    )
    try:
        return demonstration.of_axis(source, few, axis, pair)
    except Exception:  # it takes no other sizes
        return None


def source_of(target: Target, device: torch.device = CPU) -> Source:
    """Return the lines that load a function as `f` for a device, or the function where nothing names it."""
    specification = target.specification
    if ":" not in specification:
        return Source(("import torch",), target.function)
    lines = loading(typed(specification), target.built, target.function)
    at = lines.index("import torch")
    if os.environ.get("TRITON_INTERPRET") == "1":
        lines[at : at + 1] = INTERPRETED
    if device.type != "cpu":
        lines.insert(at + 1, f'torch.set_default_device("{device}")')
    return Source(tuple(lines), narrow=not has_float64(device.type))
