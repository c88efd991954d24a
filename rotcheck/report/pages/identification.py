"""What functions do: for each what is wrong, its convention and what told so, and what it can be swapped for."""

import re
from collections.abc import Iterator, Sequence

from rotcheck.convention import order_words
from rotcheck.measure.judge import ROUNDING
from rotcheck.report import document as made_of
from rotcheck.report.document import (
    SIGNS,
    Code,
    Conclusion,
    Detail,
    Details,
    Document,
    Field,
    Finding,
    Heading,
    Part,
    Rows,
    Section,
    Tone,
    listing,
)
from rotcheck.report.text import figure, one_line, plural
from rotcheck.results import INTERPRETER, Answer, Described, Identification, Likeness, Remark

WORD = "a convention"
RESULT = Identification

Labelled = list[tuple[str, str]]
Said = tuple[str, str, str]
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


TONES: dict[Answer, Tone] = {"right": "good", "wrong": "bad", "unknown": "note"}


def data(found: Sequence[Identification]) -> object:
    """One as it is, several as a list."""
    if len(found) == 1:
        return found[0]
    return {"schema": "rotcheck/conventions/1", "identifications": list(found)}


def document(found: Sequence[Identification]) -> Document:
    """The functions, one below the other."""
    return Document([part for identification in found for part in _parts(identification)])


def _parts(found: Identification) -> Iterator[Part]:
    yield Heading(f"{SIGNS[tone(found)]} {title(found)}", tone(found))
    wrong = _mistaken(found)
    for at, remark in enumerate(wrong):
        yield Finding(remark.message if at else "", _details(remark))
    if found.convention is None and found.purpose is None:
        yield from listing(*why_not(found))
    else:
        table = Rows(("field", "is", "told by"), _rows(lines(found)), why=True)
        yield Section(heading(found), [table]) if wrong else table
    yield from listing("Worth knowing", choices(found))
    unknown = [Detail(field, possible) for field, possible in ambiguities(found)]
    if unknown:
        yield Section("Cannot be known", [Details(unknown)])
    yield from _swap(found)
    yield from _ends(found)
    yield Conclusion(summary_line(found))


def _rows(lines: Sequence[Said]) -> list[tuple[Field, ...]]:
    return [
        (Field(field, "dim"), Field(says), Field(because, "dim")) for field, says, because in lines
    ]


def _swap(found: Identification) -> Iterator[Part]:
    """Whether it can take another's place, what to change, and the code that does all of it."""
    swappable, code = swap(found), adapter(found)
    if swappable is None:
        return
    answer, changes = swappable
    table = Rows(("field", "to do", "why"), _rows(changes), why=True)
    yield Section(answer, [table] if changes else [])
    if code is not None:
        yield Code(*code)


def tone(found: Identification) -> Tone:
    """How good it is: "note" where it is not understood, and so neither right nor wrong."""
    return TONES[found.answer]


def _mistaken(found: Identification) -> list[Remark]:
    return [one for one in found.findings if one.mistake]


def title(found: Identification) -> str:
    """Return one line that says whether it follows a convention, and which."""
    name, mistaken = one_line(found.specification), _mistaken(found)
    if mistaken:
        return f"{name}: {mistaken[0].message}"
    if found.purpose is not None:
        return f"{name}: {found.purpose}"
    if found.convention is None:
        return f"{name}: not identified"
    if found.answer == "unknown" and not _untold(found):
        return f"{name}: {found.message}"
    if not found.follows:
        return f"{name}: not understood; nearest: {_words(found)}"
    return f"{name}: {_words(found)}"


def _untold(found: Identification) -> bool:
    """Return whether it is not understood for a reason that no finding tells."""
    told = any(one.message == found.message for one in found.findings)
    return found.answer == "unknown" and found.convention is not None and not told


def _words(found: Identification) -> str:
    convention = found.convention
    assert convention is not None, "there is one"
    if convention.kind == "builds":
        return f"makes {convention.tables}{order_words(convention.table_lanes, ' ')} tables, {_schedule(found)}"
    within = f" in {convention.blocks} blocks" if (convention.blocks or 1) > 1 else ""
    parts = [f"{convention.pairing} pairing{within}"]
    if convention.direction == -1:
        parts.append("negative direction")
    if convention.output_lanes == "de-interleaved":
        parts.append("de-interleaved output")
    parts.append(convention.layout or "any layout")
    parts.append(
        _schedule(found) if convention.tables == "positions" else f"{convention.tables} tables"
    )
    return ", ".join(part for part in parts if part)


def convention_words(found: Identification) -> str:
    """Return the convention that was found, or the nearest, in few words."""
    return _words(found)


def _schedule(found: Identification) -> str:
    convention = found.convention
    assert convention is not None, "there is one"
    return _plainly(convention.schedule) if convention.schedule else "of no known schedule"


def _plainly(schedule: str) -> str:
    """Return a schedule without the name of the commonest one: `theta 10000`."""
    return _PLAIN.sub(lambda found: f"theta {float(found[1]):.10g}", schedule)


def lines(found: Identification) -> list[Said]:
    """Return of each field what is said and what told so, and the further ways to call it."""
    why = [("why", one_line(found.message), "")] if _untold(found) and found.message else []
    where = (
        [("device", "CPU tensors, under the Triton interpreter", "")]
        if found.device == INTERPRETER
        else []
    )
    built = (
        [("built", found.built, "the file's own call, or what its parameters' names ask for")]
        if found.built
        else []
    )
    told = [
        (one.field, _plainly(one.says).removeprefix(f"{one.field} "), one_line(one.because))
        for one in found.evidence
    ]
    also = [("also" if at == 0 else "", text, "") for at, text in enumerate(_grouped(found.also))]
    turned = [("flags" if at == 0 else "", *said) for at, said in enumerate(_turned(found))]
    return [*why, *where, *built, *told, *also, *turned]


def _turned(found: Identification) -> Iterator[tuple[str, str]]:
    """Yield what each flag changes and the error that its results have then, last those that change nothing."""
    same = []
    for one in found.flags:
        if one.message is not None or one.convention is None or found.convention is None:
            yield f"{one.flag}: {one_line(one.message or 'nothing was found')}", ""
        elif changes := _changes(found.convention, one.convention):
            yield (
                f"{one.flag}: {changes}",
                "" if one.error is None else f"error {figure(one.error)}",
            )
        else:
            same.append(one.flag)
    if same:
        yield f"{', '.join(same)}: the same", ""


def _changes(own: Described, other: Described) -> str:
    """Return in what one convention differs from another: `pairing interleaved, in_place yes`; empty: in nothing."""
    differing = [name for name in CHANGEABLE if getattr(own, name) != getattr(other, name)]
    if other.table_lanes is None and "table_lanes" in differing:
        differing.remove("table_lanes")
    return ", ".join(_change(name, getattr(other, name)) for name in differing)


def _change(field: str, value: object) -> str:
    if field == "table_lanes":
        return f"tables {order_words(str(value))}"
    words = {True: "yes", False: "no", None: "unknown"}
    return f"{field} {words[value] if value is None or isinstance(value, bool) else _plainly(str(value))}"


def _grouped(ways: Sequence[str]) -> list[str]:
    """Return ways to call it, those that differ in their tables alone as one: `bshd with tables A or B`."""
    tables: dict[str, list[str]] = {}
    for way in ways:
        layout, _, axes = way.partition(WITH)
        tables.setdefault(layout, []).append(axes)
    every = [
        f"{layout}{WITH}{' or '.join(axes)}" if any(axes) else layout
        for layout, axes in tables.items()
    ]
    more = (
        [f"and {plural(len(every) - MOST_WAYS, 'more layout')}"] if len(every) > MOST_WAYS else []
    )
    return [*every[:MOST_WAYS], *more]


def ambiguities(found: Identification) -> Labelled:
    """Return what remains possible of what cannot be known."""
    return [
        (one.field, f"one of {'; '.join(_grouped(one.possible))} ({one.why})")
        for one in found.ambiguous
    ]


def _ends(found: Identification) -> Iterator[Details]:
    """What was not tried, and what to do next."""
    ends = [Detail("not tried", ", ".join(found.untried))] if found.untried else []
    ends += [Detail("" if at else "next", text) for at, text in enumerate(found.advice)]
    if ends:
        yield Details(ends)


def choices(found: Identification) -> list[str]:
    """Return what others do not do, and is legitimate; of one that is not understood, what its title does not say."""
    told = found.message if found.answer == "unknown" and found.convention else None
    return [one.message for one in found.findings if not one.mistake and one.message != told]


def _details(mistake: Remark) -> list[Detail]:
    return made_of.details(
        Detail("seen", mistake.evidence),
        *made_of.knowledge(mistake, mistake.demonstration),
    )


def why_not(found: Identification) -> tuple[str, list[str]]:
    """Return why there is no convention and, where calls were tried, what they said, with a heading above it."""
    tried = found.tried or found.call or found.message is None
    told = [one_line(text) for text in (found.message, *found.tried) if text]
    return "What was tried" if tried else "What became of it", told


def swap(found: Identification) -> tuple[str, list[Said]] | None:
    """Return whether it can take another's place, and what to change for that, what must be changed first."""
    like = found.likeness
    if like is None:
        return None
    answers = {
        "as it is": f"can take the place of {like.other} as it is",
        "with changes": f"can take the place of {like.other} with these changes",
        "no": f"cannot take the place of {like.other}",
        "unknown": f"cannot be held against {like.other}: {_why_unknown(like)}",
    }
    ordered = sorted(like.differences, key=lambda one: not one.hard)
    told = [
        (one.field, _plainly(one.fix), _plainly(f"{one.own} here, {one.other} there"))
        for one in ordered
    ]
    return f"{one_line(found.specification)} {answers[like.swappable]}", told


def _why_unknown(like: Likeness) -> str:
    if any(one.field == "convention" for one in like.differences):
        return "one of them was not identified"
    if any(one.hard for one in like.differences):
        return "not all of it is known"
    return "nothing has to be changed by what is registered, but one of them did not run here"


def adapter(found: Identification) -> tuple[str, str] | None:
    """Return the code that takes another's place by calling this function, with a heading above it."""
    like = found.likeness
    if like is None or like.adapter is None:
        return None
    ran = "not run here" if like.error is None else f"run beside it: error {figure(like.error)}"
    return f"The whole swap, as code ({ran})", like.adapter.rstrip()


def heading(found: Identification) -> str:
    """Return what stands above the convention of one that has mistakes."""
    return "Its convention otherwise" if _otherwise_right(found) else "The nearest convention"


def _otherwise_right(found: Identification) -> bool:
    """Return whether values come out right where none of its mistakes is made: another dtype, or without a flag."""
    mistaken = _mistaken(found)
    with_flags = bool(mistaken) and all(one.message.startswith("with ") for one in mistaken)
    return with_flags or (found.error is not None and found.error <= ROUNDING)


def summary_line(found: Identification) -> str:
    """Return the last line: what it comes to, error and time."""
    words = {"good": "follows a convention", "bad": "follows no convention"}
    parts = [words.get(tone(found), "not understood" if found.convention else "not identified")]
    if found.purpose is not None:
        parts = [
            "a permutation between pairings" if found.permutation else "positions, and no rotation"
        ]
    if tone(found) == "bad" and _otherwise_right(found):
        parts = ["follows a convention, but for what is said above"]
    if found.ambiguous:
        parts.append(f"{plural(len(found.ambiguous), 'field')} ambiguous")
    if found.error is not None:
        parts.append(f"error {figure(found.error)} rounding steps (over 4 is wrong)")
    if found.longest_context is not None:
        parts.append(f"phase right up to position {found.longest_context}, as far as was asked")
    if found.seconds is not None:
        parts.append(f"{found.seconds:.2f} s")
    return ", ".join(parts)
