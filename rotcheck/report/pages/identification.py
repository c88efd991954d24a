"""What functions do: for each what is wrong, its convention and what told so, and what it can be swapped for."""

import re
from collections.abc import Iterator, Sequence

from rotcheck.convention import order_words
from rotcheck.measure.judge import ROUNDING
from rotcheck.report import document as doc
from rotcheck.report.text import figure, one_line, plural
from rotcheck.results import (
    INTERPRETER,
    Answer,
    Description,
    Identification,
    Likeness,
    Remark,
    mistakes,
)

WORD = "a convention"
RESULT = Identification

LabelsAndTexts = list[tuple[str, str]]
Row = tuple[str, str, str]
"""A field, what is said of it, and what told so; the last may be empty."""

_PLAIN = re.compile(r"\bPlain\(theta=([\d.e+]+)\)")
WITH = " with tables "
CHANGEABLE = (
    *(
        "pairing",
        "direction",
        "output_lanes",
        "layout",
        "tables",
        "table_lanes",
        "rotary_dim",
        "blocks",
    ),
    *("schedule", "positions", "rotates_v", "in_place", "dtype_rule"),
)
"""What a flag may change of a convention."""
MOST_WAYS = 5  # layouts that are shown


TONES: dict[Answer, doc.Tone] = {"right": "good", "wrong": "bad", "unknown": "note"}


def data(identification: Sequence[Identification]) -> object:
    """One as it is, several as a list."""
    if len(identification) == 1:
        return identification[0]
    return {"schema": "rotcheck/conventions/1", "identifications": list(identification)}


def document(found: Sequence[Identification]) -> doc.Document:
    """The functions, one below the other."""
    return doc.Document([part for identification in found for part in _parts(identification)])


def _parts(identification: Identification) -> Iterator[doc.Part]:
    yield doc.Heading(
        f"{doc.SIGNS[tone(identification)]} {title(identification)}", tone(identification)
    )
    wrong = mistakes(identification)
    for at, remark in enumerate(wrong):
        yield doc.Finding(remark.message if at else "", _details(remark))
    if identification.convention is None and identification.purpose is None:
        yield from doc.listing(*why_not(identification))
    else:
        table = doc.Rows(("field", "is", "told by"), _rows(lines(identification)), why=True)
        yield doc.Section(heading(identification), [table]) if wrong else table
    yield from doc.listing("Worth knowing", choices(identification))
    open_fields = [doc.Detail(field, possible) for field, possible in ambiguities(identification)]
    if open_fields:
        yield doc.Section("Cannot be known", [doc.Details(open_fields)])
    yield from _swap(identification)
    yield from _ends(identification)
    yield doc.Summary(summary_line(identification))


def _rows(lines: Sequence[Row]) -> list[tuple[doc.Field, ...]]:
    return [
        (doc.Field(field, "dim"), doc.Field(says), doc.Field(because, "dim"))
        for field, says, because in lines
    ]


def _swap(identification: Identification) -> Iterator[doc.Part]:
    """Whether it can take another's place, what to change, and the code that does all of it."""
    swappable, code = swap(identification), adapter(identification)
    if swappable is None:
        return
    answer, changes = swappable
    table = doc.Rows(("field", "to do", "why"), _rows(changes), why=True)
    yield doc.Section(answer, [table] if changes else [])
    if code is not None:
        yield doc.Code(*code)


def tone(identification: Identification) -> doc.Tone:
    """How good it is: "note" where it is not understood, and so neither right nor wrong."""
    return TONES[identification.answer]


def title(identification: Identification) -> str:
    """One line that says whether it follows a convention, and which."""
    name, mistaken = one_line(identification.specification), mistakes(identification)
    if mistaken:
        return f"{name}: {mistaken[0].message}"
    if identification.purpose is not None:
        return f"{name}: {identification.purpose}"
    if identification.convention is None:
        return f"{name}: not identified"
    if identification.answer == "unknown" and not _untold(identification):
        return f"{name}: {identification.message}"
    if not identification.follows:
        return f"{name}: not understood; nearest: {_words(identification)}"
    return f"{name}: {_words(identification)}"


def _untold(identification: Identification) -> bool:
    """Whether it is not understood for a reason that no finding tells."""
    has_finding = any(
        remark.message == identification.message for remark in identification.findings
    )
    return (
        identification.answer == "unknown"
        and identification.convention is not None
        and not has_finding
    )


def _words(identification: Identification) -> str:
    convention = identification.convention
    assert convention is not None, "there is one"
    if convention.kind == "builds":
        order = order_words(convention.table_lanes, " ")
        return f"makes {convention.tables}{order} tables, {_schedule(identification)}"
    within = f" in {convention.blocks} blocks" if (convention.blocks or 1) > 1 else ""
    parts = [f"{convention.pairing} pairing{within}"]
    if convention.direction == -1:
        parts.append("negative direction")
    if convention.output_lanes == "de-interleaved":
        parts.append("de-interleaved output")
    parts.append(convention.layout or "any layout")
    parts.append(
        f"{convention.tables} tables" if convention.takes_tables else _schedule(identification)
    )
    return ", ".join(part for part in parts if part)


def convention_words(identification: Identification) -> str:
    """The convention that was found, or the nearest, in few words."""
    return _words(identification)


def _schedule(identification: Identification) -> str:
    convention = identification.convention
    assert convention is not None, "there is one"
    return _plainly(convention.schedule) if convention.schedule else "of no known schedule"


def _plainly(schedule: str) -> str:
    """A schedule without the name of the commonest one: `theta 10000`."""
    return _PLAIN.sub(lambda found: f"theta {float(found[1]):.10g}", schedule)


def lines(identification: Identification) -> list[Row]:
    """Of each field what is said and what told so, and the further ways to call it."""
    why = (
        [("why", one_line(identification.message), "")]
        if _untold(identification) and identification.message
        else []
    )
    where = (
        [("device", "CPU tensors, under the Triton interpreter", "")]
        if identification.device == INTERPRETER
        else []
    )
    construction = (
        [
            (
                "built",
                identification.built,
                "the file's own call, or what its parameters' names ask for",
            )
        ]
        if identification.built
        else []
    )
    rows = [
        (
            evidence.field,
            _plainly(evidence.says).removeprefix(f"{evidence.field} "),
            one_line(evidence.because),
        )
        for evidence in identification.evidence
    ]
    also = [
        ("also" if at == 0 else "", text, "")
        for at, text in enumerate(_group_ways(identification.also))
    ]
    flags = [
        ("flags" if at == 0 else "", *texts) for at, texts in enumerate(_flags(identification))
    ]
    return [*why, *where, *construction, *rows, *also, *flags]


def _flags(identification: Identification) -> Iterator[tuple[str, str]]:
    """Yield what each flag changes and the error that its results have then, last those that change nothing."""
    idle = []
    for result in identification.flags:
        if (
            result.message is not None
            or result.convention is None
            or identification.convention is None
        ):
            yield f"{result.flag}: {one_line(result.message or 'nothing was found')}", ""
        elif changes := _changes(identification.convention, result.convention):
            yield (
                f"{result.flag}: {changes}",
                "" if result.error is None else f"error {figure(result.error)}",
            )
        else:
            idle.append(result.flag)
    if idle:
        yield f"{', '.join(idle)}: the same", ""


def _changes(convention: Description, other_convention: Description) -> str:
    """In what one convention differs from another: `pairing interleaved, in_place yes`; empty: in nothing."""
    differing = [
        name for name in CHANGEABLE if getattr(convention, name) != getattr(other_convention, name)
    ]
    if other_convention.table_lanes is None and "table_lanes" in differing:
        differing.remove("table_lanes")
    return ", ".join(_change(name, getattr(other_convention, name)) for name in differing)


def _change(field: str, value: object) -> str:
    if field == "table_lanes":
        return f"tables {order_words(str(value))}"
    words = {True: "yes", False: "no", None: "unknown"}
    return f"{field} {words[value] if value is None or isinstance(value, bool) else _plainly(str(value))}"


def _group_ways(ways: Sequence[str]) -> list[str]:
    """Ways to call it, those that differ in their tables alone as one: `bshd with tables A or B`."""
    tables: dict[str, list[str]] = {}
    for way in ways:
        layout, _, axes = way.partition(WITH)
        tables.setdefault(layout, []).append(axes)
    lines_ = [
        f"{layout}{WITH}{' or '.join(axes)}" if any(axes) else layout
        for layout, axes in tables.items()
    ]
    more = (
        [f"and {plural(len(lines_) - MOST_WAYS, 'more layout')}"] if len(lines_) > MOST_WAYS else []
    )
    return [*lines_[:MOST_WAYS], *more]


def ambiguities(identification: Identification) -> LabelsAndTexts:
    """What remains possible of what cannot be known."""
    return [
        (ambiguity.field, f"one of {'; '.join(_group_ways(ambiguity.possible))} ({ambiguity.why})")
        for ambiguity in identification.ambiguous
    ]


def _ends(identification: Identification) -> Iterator[doc.Details]:
    """What was not tried, and what to do next."""
    ends = (
        [doc.Detail("not tried", ", ".join(identification.untried))]
        if identification.untried
        else []
    )
    ends += [
        doc.Detail("" if at else "next", text) for at, text in enumerate(identification.advice)
    ]
    if ends:
        yield doc.Details(ends)


def choices(identification: Identification) -> list[str]:
    """What others do not do, and is legitimate; of one that is not understood, what its title does not say."""
    message = (
        identification.message
        if identification.answer == "unknown" and identification.convention
        else None
    )
    return [
        remark.message
        for remark in identification.findings
        if not remark.mistake and remark.message != message
    ]


def _details(mistake: Remark) -> list[doc.Detail]:
    return doc.details(
        doc.Detail("seen", mistake.evidence),
        *doc.knowledge(mistake, mistake.demonstration),
    )


def why_not(identification: Identification) -> tuple[str, list[str]]:
    """Why there is no convention and, where calls were tried, what they said, with a heading above it."""
    has_calls = identification.tried or identification.call or identification.message is None
    texts = [one_line(text) for text in (identification.message, *identification.tried) if text]
    return "What was tried" if has_calls else "What became of it", texts


def swap(identification: Identification) -> tuple[str, list[Row]] | None:
    """Whether it can take another's place, and what to change for that, what must be changed first."""
    like = identification.likeness
    if like is None:
        return None
    answers = {
        "as it is": f"can take the place of {like.other} as it is",
        "with changes": f"can take the place of {like.other} with these changes",
        "no": f"cannot take the place of {like.other}",
        "unknown": f"cannot be held against {like.other}: {_why_unknown(like)}",
    }
    differences = sorted(like.differences, key=lambda one: not one.hard)
    rows = [
        (
            difference.field,
            _plainly(difference.fix),
            _plainly(f"{difference.own} here, {difference.other} there"),
        )
        for difference in differences
    ]
    return f"{one_line(identification.specification)} {answers[like.swappable]}", rows


def _why_unknown(like: Likeness) -> str:
    if any(difference.field == "convention" for difference in like.differences):
        return "one of them was not identified"
    if any(difference.hard for difference in like.differences):
        return "not all of it is known"
    return "nothing has to be changed by what is registered, but one of them did not run here"


def adapter(identification: Identification) -> tuple[str, str] | None:
    """The code that takes another's place by calling this function, with a heading above it."""
    like = identification.likeness
    if like is None or like.adapter is None:
        return None
    ran = "not run here" if like.error is None else f"run beside it: error {figure(like.error)}"
    return f"The whole swap, as code ({ran})", like.adapter.rstrip()


def heading(identification: Identification) -> str:
    """What stands above the convention of one that has mistakes."""
    return (
        "Its convention otherwise" if _otherwise_right(identification) else "The nearest convention"
    )


def _otherwise_right(identification: Identification) -> bool:
    """Whether values come out right where none of its mistakes is made: another dtype, or without a flag."""
    mistaken = mistakes(identification)
    with_flags = bool(mistaken) and all(remark.message.startswith("with ") for remark in mistaken)
    return with_flags or (identification.error is not None and identification.error <= ROUNDING)


def summary_line(identification: Identification) -> str:
    """The last line: what it comes to, error and time."""
    words = {"good": "follows a convention", "bad": "follows no convention"}
    parts = [
        words.get(
            tone(identification),
            "not understood" if identification.convention else "not identified",
        )
    ]
    if identification.purpose is not None:
        parts = [
            "a permutation between pairings"
            if identification.permutation
            else "positions, and no rotation"
        ]
    if tone(identification) == "bad" and _otherwise_right(identification):
        parts = ["follows a convention, but for what is said above"]
    if identification.ambiguous:
        parts.append(f"{plural(len(identification.ambiguous), 'field')} ambiguous")
    if identification.error is not None:
        parts.append(f"error {figure(identification.error)} rounding steps (over 4 is wrong)")
    if identification.longest_context is not None:
        parts.append(
            f"phase right up to position {identification.longest_context}, as far as was asked"
        )
    if identification.seconds is not None:
        parts.append(f"{identification.seconds:.2f} s")
    return ", ".join(parts)
